"""What a worker does for companies that are not there yet."""

from celery import shared_task

from tenants import stock


@shared_task(name="odos.stock", ignore_result=True)
def fill_stock() -> None:
    """Make schemas ahead for those who sign up next. Lost or sent twice, it does no harm: it is sent every minute."""
    stock.fill()
