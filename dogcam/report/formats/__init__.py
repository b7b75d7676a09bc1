"""Documents as files: HTML, PDF, Markdown, LaTeX, figures and CSV, from the values of `dogcam.report.document` alone.

The members, each of which may import only those named before it:

    lettering      figures in English where no font has the letters of the page's language
    tables_of      every table of a document by name
    illustrations  the document's figures, drawn once each, in several processes
    templating     the templates' environment; the templates lie beside it
    html_page      the document as an HTML page
    markdown       the document as Markdown
    tex_text       any text as LaTeX sets it
    tex_tables     a table as LaTeX
    latex          the document as an article's parts
    printing       the HTML page as PDF, through a browser
    exported       the document's tables, and those of a summary, as CSV
    rendering      the document as files, in every format

A new format is a function in `rendering.WRITERS`.
"""
