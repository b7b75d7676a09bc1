"""All that a terminal sees: tables, progress, the error line. The only user of rich and tqdm.

Answers go to standard output, everything else to standard error, so that output can be piped. Texts from users are
printed as they are and never read as rich's markup. Importing the room imports nothing: an error line does not wait for what
tables need. The members, each of which may import only those named before it:

    tables        streams, plain texts and tables, JSON, the error line, what was skipped
    training      the study's run-by-epoch table
    progress      bars and a live table, or lines now and then
    fitting       tables that fit a terminal: what is cut and what is left out
    naming        what rows are about, said once
    scores        the main table of an evaluation, and faithfulness
    groups        scores by group and by threshold
    evaluation    all that evaluate found
    explanations  the boxes of pictures explained
    listing       registries
    inspection    what is in a dataset
    ending        reports, and the demo's last words
"""
