"""The tables of crm, one module for each idea: whom the company deals with, what it sells, what may become an order."""

from crm.models.catalogue import PriceBook, PriceBookEntry, Product, ProductCategory, ProductCategoryLink
from crm.models.parties import ACCOUNT_ROLES, ACTIVITY_KINDS, LEAD_STATES, Account, Activity, Contact, Lead
from crm.models.selling import (
    OPPORTUNITY_STATES,
    QUOTE_STATES,
    Opportunity,
    OpportunityLine,
    OpportunitySummary,
    Pipeline,
    Quote,
    QuoteLine,
    Stage,
)  # fmt: skip

__all__ = [
    "ACCOUNT_ROLES", "ACTIVITY_KINDS", "LEAD_STATES", "OPPORTUNITY_STATES", "QUOTE_STATES", "Account", "Activity", "Contact", "Lead", "Opportunity",
    "OpportunityLine", "OpportunitySummary", "Pipeline", "PriceBook", "PriceBookEntry", "Product", "ProductCategory", "ProductCategoryLink", "Quote",
    "QuoteLine", "Stage",
]  # fmt: skip
