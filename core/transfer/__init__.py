"""Files on their way in: read, mapped onto a type's fields, rehearsed, written through ``core.write``. Files going out: ``core.export``.

One importer for the page (``uploads``), the command line and whole folders (``folders``). Nothing here writes to a table
of records, knows a type, or decides who may do what.
"""
