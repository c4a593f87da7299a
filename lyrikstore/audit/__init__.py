"""Evidence for auditors: audit files, outside time, drills.

* audit file: one file with the signed statements about a subject and the log that orders them;
* evidence: what is in an audit file, and what every answer is computed from;
* answer: tables for one of the auditor's questions, each row with its entries in the log; or the
  sentence why it is not known.

Example:
    >>> from lyrikstore.audit.file.questions import QUESTIONS
    >>> QUESTIONS[0].text
    'Which data did it come from?'
"""
