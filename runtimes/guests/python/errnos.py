"""Error numbers as on Linux: `[Errno 2] No such file or directory`, where WASI says 44.

Programs print exceptions, compare `error.errno` and raise `OSError(errno.ENOENT, …)`; all three must be as natively.
"""

import errno
import gc
import os

# Linux (asm-generic) from 1 on; "-" where a number has no name.
LINUX = """
EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST
EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM
ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG
EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET
ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG
ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE
EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE
EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN
ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL
EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD
ENOTRECOVERABLE ERFKILL EHWPOISON
"""
SYNONYMS = {"EWOULDBLOCK": "EAGAIN", "EDEADLOCK": "EDEADLK", "ENOTSUP": "EOPNOTSUPP"}

_numbers = {name: number for number, name in enumerate(LINUX.split(), 1) if name != "-"}
_texts: dict[int, str] = {}


def describe(code: int, /) -> str:
    """The message of an error number, as `os.strerror` gives it."""
    return _texts.get(code) or f"Unknown error {code}"


def install() -> None:
    """Renumber `errno`, `os.strerror` and the table from which OSError chooses its subclass."""
    names = {number: name for number, name in errno.errorcode.items() if name in _numbers}
    _texts.update({_numbers[name]: os.strerror(number) for number, name in names.items()})
    _texts[_numbers["ENOENT"]] = "No such file or directory"
    # OSError keeps its table to itself, but the collector knows all dictionaries.
    native = {errno.ENOENT: FileNotFoundError, errno.EACCES: PermissionError}
    for table in gc.get_referrers(FileNotFoundError):
        if type(table) is dict and len(table) > len(native) and native.items() <= table.items():
            subclasses = {_numbers[names[number]]: kind for number, kind in table.items() if number in names}
            table.clear()
            table.update(subclasses)
    for name, number in (_numbers | {name: _numbers[other] for name, other in SYNONYMS.items()}).items():
        setattr(errno, name, number)
    os.strerror = describe
    errno.errorcode.clear()
    errno.errorcode.update({number: name for name, number in _numbers.items()})
