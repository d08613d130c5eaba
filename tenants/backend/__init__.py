"""The database backend: django-tenants' own, made to fail closed, and what the product says to PostgreSQL about schemas."""
