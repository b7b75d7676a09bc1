"""Documents as files: HTML, PDF, Markdown, LaTeX, figures and CSV, from the values of `dogcam.report.document` alone.

The members, each of which may import only those named before it:

    tables_of       every table of a document by name
    csv             these, and those of the analysis, as CSV
    illustrations   the document's figures, drawn once each, in several processes; in English where fonts lack letters
    templating      the templates' environment; the templates lie beside it
    html            the document as an HTML page
    markdown        the document as Markdown
    tex_text        any text as LaTeX sets it
    tex_tables      a table as LaTeX
    latex           the document as an article's parts
    pdf             the HTML page as PDF, printed by a browser
    rendering       the document as files, in every format

A new format is a file and its place in `rendering.WRITERS`.
"""
