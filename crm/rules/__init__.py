"""What may happen to the records of crm, one module for each idea. Reached through ``core.write`` alone."""
