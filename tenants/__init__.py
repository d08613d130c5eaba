"""Companies: their rows, hosts, schemas and sign-up. What happens inside a company belongs to the floors beside and below."""
