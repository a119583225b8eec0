"""What stops a photo from being read, as one error with a remedy. Never reads one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stillpix.errors import ReadError


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn whatever stops a photo from being read into a ReadError with a remedy."""
    try:
        yield
    except ReadError:
        raise
    except FileNotFoundError as error:
        raise ReadError(path, "is not there; check its name and folder") from error
    except PermissionError as error:
        raise ReadError(
            path, "cannot be read: permission denied; give yourself permission to read it"
        ) from error
    except MemoryError as error:
        raise ReadError(path, "needs more memory than there is; give a smaller --jobs") from error
    # Decoders of other people meet damaged and hostile files here, and those raise anything.
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            reason = f"cannot be read ({error.strerror}); check the disk, copy it again"
            raise ReadError(path, reason) from error
        raise ReadError(
            path, f"is damaged ({type(error).__name__}: {error}); copy it again, or leave it out"
        ) from error
