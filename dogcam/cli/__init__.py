"""The command line: one file a command. The only room that imports late, so that help, lists and typos are instant.

help        help in titled groups
options     what several commands share, and how values are read
answering   options in, one call, answer out; exit codes
demo, train, explain, evaluate, report, inspect, list
app         the program
"""
