"""How tests keep passwords: by the product's own algorithm, made quick, since it is meant to be slow and they make hundreds of people."""

from django.contrib.auth.hashers import Argon2PasswordHasher

PRODUCT = "django.contrib.auth.hashers.Argon2PasswordHasher"


class Quick(Argon2PasswordHasher):
    time_cost, memory_cost, parallelism = 1, 8, 1
