"""One module for each command, thin: what it does is in the packages above and below."""
