"""Commands of the command line that belong to running Odos. Commands about companies are in ``tenants``."""
