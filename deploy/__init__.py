"""How Odos is started: settings, servers, processes and health. The only package that knows all the others; no business code."""
