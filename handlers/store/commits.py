"""Whether a transaction that failed has surely left nothing, so that it may be run again."""

from sqlalchemy import RootTransaction
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from handlers.store.reasons import UncertainError, sqlstate_of

IN_THE_WAY = {"40001", "40P01"}
"""Codes of a transaction that the server undid because of another: it can't be ordered, or a deadlock."""


def commit(transaction: RootTransaction) -> None:
    """Commit; raises UncertainError when the server was lost meanwhile."""
    try:
        transaction.commit()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise UncertainError("the connection was lost while committing") from None
        raise


def is_rolled_back(error: SQLAlchemyError) -> bool:
    """Tell whether nothing was stored, and trying again may help."""
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return is_lost or sqlstate_of(error) in IN_THE_WAY
