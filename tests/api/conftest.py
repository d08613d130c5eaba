"""Clients of the API for its tests: one for each person, one of the other company."""

import pytest

from core import access
from tests import people


@pytest.fixture(scope="module")
def api(company, alice):
    """Alice's program: the owner's key."""
    return people.api(alice, company)


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


@pytest.fixture(scope="module")
def bobs(company, bob):
    """Bob's program: sales, own records."""
    return people.api(bob, company)


@pytest.fixture(scope="module")
def carols(company, carol):
    """Carol's program: she may read, and change nothing."""
    return people.api(carol, company)


@pytest.fixture(scope="module")
def daves(other_company, dave):
    """The program of the other company's owner."""
    return people.api(dave, other_company)
