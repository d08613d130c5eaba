"""What may happen to the records of erp, one module for each idea. Reached through ``core.write`` alone."""
