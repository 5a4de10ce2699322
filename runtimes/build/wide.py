"""Give a guest of 32 bits what programs know from 64: hashes, and with them the order of sets, and C's ``long``.

The interpreter finds its functions through slots of a table, and the slots stand in memory: in types, in method
definitions. So functions of our own, merged with the interpreter, take the places of a few of its own. A hash is
computed with 64 bits and cut to 32 where CPython stores it: its low bits are what orders small sets.
"""

from __future__ import annotations

import wasmtime

from .module import Module

# The words that the functions read: below the stack that the linker made, of which the guest needs no more by then.
_WORDS_START = 64
WORDS_END = 1024
_WORDS = """
hash_name none overflow_error type_error hash_message range_error
power len len_fallback bisect_left bisect_left_fallback bisect_right bisect_right_fallback
"""
_FUNCTIONS = """
int_hash float_hash complex_hash tuple_hash frozenset_hash python_hash hash power len bisect_left bisect_right
"""
FUNCTIONS = _FUNCTIONS.split()
"""The functions in the order of their slots."""

WORDS = {name: _WORDS_START + 4 * number for number, name in enumerate(_WORDS.split())}
"""Where the functions find an object's address or the slot of what they replace."""

IMPORTS = {
    "PyObject_Hash": "(param i32) (result i32)",
    "_Py_HashDouble": "(param i32 f64) (result i32)",
    "_PyType_Lookup": "(param i32 i32) (result i32)",
    "PyObject_CallOneArg": "(param i32 i32) (result i32)",
    "PyObject_Vectorcall": "(param i32 i32 i32 i32) (result i32)",
    "PyLong_FromLongLong": "(param i64) (result i32)",
    "PyLong_AsLongLong": "(param i32) (result i64)",
    "PyErr_Occurred": "(result i32)",
    "PyErr_ExceptionMatches": "(param i32) (result i32)",
    "PyErr_Clear": "",
    "PyErr_SetObject": "(param i32 i32)",
    "PyErr_GetRaisedException": "(result i32)",
    "PyErr_SetRaisedException": "(param i32)",
    "Py_DecRef": "(param i32)",
}
"""What the functions take from CPython, and with which type; before these, ``memory`` and ``table``."""

# Here `P` is the prime 2**61 - 1 that hashes of numbers are reduced by.
_SOURCE = """
(func $reduced (param $x i64) (param $negative i32) (result i64)
    (if (local.get $negative) (then (local.set $x (i64.sub (i64.const 0) (local.get $x)))))
    (call $allowed (local.get $x)))
(func $allowed (param $x i64) (result i64)
    (select (i64.const -2) (local.get $x) (i64.eq (local.get $x) (i64.const -1))))
(func $rotated (param $x i64) (param $by i64) (result i64)
    (i64.or (i64.and (i64.shl (local.get $x) (local.get $by)) (i64.const P))
        (i64.shr_u (local.get $x) (i64.sub (i64.const 61) (local.get $by)))))
(func $cut (param $x i64) (result i32)
    (if (i64.eq (local.get $x) (i64.const -1)) (then (return (i32.const -1))))
    (select (i32.const -2) (i32.wrap_i64 (local.get $x)) (i32.eq (i32.wrap_i64 (local.get $x)) (i32.const -1))))

(func $int (param $object i32) (result i64) (local $tag i32) (local $count i32) (local $x i64)
    (local.set $tag (i32.load offset=8 (local.get $object)))
    (local.set $count (i32.shr_u (local.get $tag) (i32.const 3)))
    (if (i32.le_u (local.get $count) (i32.const 1))
        (then (local.set $x (i64.load32_u offset=12 (local.get $object))))
        (else (loop $next
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (local.set $x (i64.add (call $rotated (local.get $x) (i64.const 30))
                (i64.load32_u offset=12 (i32.add (local.get $object) (i32.shl (local.get $count) (i32.const 2))))))
            (if (i64.ge_u (local.get $x) (i64.const P))
                (then (local.set $x (i64.sub (local.get $x) (i64.const P)))))
            (br_if $next (local.get $count)))))
    (call $reduced (local.get $x) (i32.eq (i32.and (local.get $tag) (i32.const 3)) (i32.const 2))))

(func $double (param $object i32) (param $value f64) (result i64) (local $bits i64) (local $power i64) (local $x i64)
    (local.set $bits (i64.reinterpret_f64 (local.get $value)))
    (local.set $power (i64.and (i64.shr_u (local.get $bits) (i64.const 52)) (i64.const 0x7ff)))
    (local.set $x (i64.and (local.get $bits) (i64.const 0xfffffffffffff)))
    (if (i64.eq (local.get $power) (i64.const 0x7ff)) (then
        (if (f64.ne (local.get $value) (local.get $value)) (then
            (return (i64.extend_i32_s (call $_Py_HashDouble (local.get $object) (local.get $value))))))
        (return (call $reduced (i64.const 314159) (i64.lt_s (local.get $bits) (i64.const 0))))))
    (if (i64.eqz (local.get $power))
        (then (local.set $power (i64.const 1)))
        (else (local.set $x (i64.or (local.get $x) (i64.const 0x10000000000000)))))
    (call $reduced  ;; the value is x * 2**(power - 1075), and 1075 + 23 is a multiple of 61
        (call $rotated (local.get $x) (i64.rem_u (i64.add (local.get $power) (i64.const 23)) (i64.const 61)))
        (i64.lt_s (local.get $bits) (i64.const 0))))
(func $float (param $object i32) (result i64)
    (call $double (local.get $object) (f64.load offset=8 (local.get $object))))
(func $complex (param $object i32) (result i64)
    (call $allowed (i64.add (call $float (local.get $object)) (i64.mul (i64.const 1000003)
        (call $double (local.get $object) (f64.load offset=16 (local.get $object)))))))

(func $tuple (param $object i32) (result i64) (local $place i32) (local $end i32) (local $x i64) (local $item i64)
    (local.set $x (i64.const 2870177450012600261))
    (local.set $place (local.get $object))
    (local.set $end
        (i32.add (local.get $object) (i32.shl (i32.load offset=8 (local.get $object)) (i32.const 2))))
    (block $done (loop $next
        (br_if $done (i32.eq (local.get $place) (local.get $end)))
        (local.set $item (call $wide (i32.load offset=16 (local.get $place))))
        (if (i64.eq (local.get $item) (i64.const -1)) (then (return (i64.const -1))))
        (local.set $x (i64.mul (i64.const 0x9E3779B185EBCA87) (i64.rotl
            (i64.add (local.get $x) (i64.mul (local.get $item) (i64.const 0xC2B2AE3D27D4EB4F))) (i64.const 31))))
        (local.set $place (i32.add (local.get $place) (i32.const 4)))
        (br $next)))
    (local.set $x (i64.add (local.get $x) (i64.xor (i64.load32_u offset=8 (local.get $object))
        (i64.xor (i64.const 2870177450012600261) (i64.const 3527539)))))
    (select (i64.const 1546275796) (local.get $x) (i64.eq (local.get $x) (i64.const -1))))

(func $frozenset (param $object i32) (result i64) (local $place i32) (local $end i32) (local $x i64) (local $item i64)
    (local.set $place (i32.load offset=20 (local.get $object)))
    (local.set $end (i32.add (local.get $place)
        (i32.shl (i32.add (i32.load offset=16 (local.get $object)) (i32.const 1)) (i32.const 3))))
    (loop $next
        (if (i32.load (local.get $place)) (then (if (i32.ne (i32.load offset=4 (local.get $place)) (i32.const -1)) (then
            (local.set $item (call $wide (i32.load (local.get $place))))
            (if (i64.eq (local.get $item) (i64.const -1)) (then (return (i64.const -1))))
            (local.set $x (i64.xor (local.get $x) (i64.mul (i64.const 3644798167)
                (i64.xor (i64.xor (local.get $item) (i64.const 89869747))
                    (i64.shl (local.get $item) (i64.const 16))))))))))
        (local.set $place (i32.add (local.get $place) (i32.const 8)))
        (br_if $next (i32.lt_u (local.get $place) (local.get $end))))
    (local.set $x (i64.xor (local.get $x) (i64.mul (i64.const 1927868237)
        (i64.add (i64.load32_u offset=12 (local.get $object)) (i64.const 1)))))
    (local.set $x (i64.xor (local.get $x) (i64.xor
        (i64.shr_u (local.get $x) (i64.const 11)) (i64.shr_u (local.get $x) (i64.const 25)))))
    (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 69069)) (i64.const 907133923)))
    (select (i64.const 590923713) (local.get $x) (i64.eq (local.get $x) (i64.const -1))))

(func $python (param $object i32) (result i64) (local $result i32) (local $x i64)  ;; a `def __hash__`
    (local.set $result (call $PyObject_CallOneArg
        (call $_PyType_Lookup (i32.load offset=4 (local.get $object)) (i32.load (i32.const HASH_NAME)))
        (local.get $object)))
    (if (i32.eqz (local.get $result)) (then (return (i64.const -1))))
    (if (i32.eqz (i32.and (i32.load offset=84 (i32.load offset=4 (local.get $result))) (i32.const 0x1000000))) (then
        (call $Py_DecRef (local.get $result))
        (call $PyErr_SetObject (i32.load (i32.const TYPE_ERROR)) (i32.load (i32.const HASH_MESSAGE)))
        (return (i64.const -1))))
    (local.set $x (call $PyLong_AsLongLong (local.get $result)))
    (if (i64.eq (local.get $x) (i64.const -1)) (then
        (if (call $PyErr_Occurred) (then (call $PyErr_Clear) (local.set $x (call $int (local.get $result)))))))
    (call $Py_DecRef (local.get $result))
    (call $allowed (local.get $x)))

(func $wide (param $object i32) (result i64) (local $slot i32)  ;; the hash of any object; -1 after an exception
    (local.set $slot (i32.load offset=60 (i32.load offset=4 (local.get $object))))
    (if (i32.eq (local.get $slot) (i32.const INT_HASH_SLOT)) (then (return (call $int (local.get $object)))))
    (if (i32.eq (local.get $slot) (i32.const TUPLE_HASH_SLOT)) (then (return (call $tuple (local.get $object)))))
    (if (i32.eq (local.get $slot) (i32.const FLOAT_HASH_SLOT)) (then (return (call $float (local.get $object)))))
    (if (i32.eq (local.get $slot) (i32.const PYTHON_HASH_SLOT)) (then (return (call $python (local.get $object)))))
    (if (i32.eq (local.get $slot) (i32.const FROZENSET_HASH_SLOT))
        (then (return (call $frozenset (local.get $object)))))
    (if (i32.eq (local.get $slot) (i32.const COMPLEX_HASH_SLOT)) (then (return (call $complex (local.get $object)))))
    (if (i32.eq (local.get $object) (i32.load (i32.const NONE))) (then (return (i64.const 0xFCA86420))))
    (i64.extend_i32_s (call $PyObject_Hash (local.get $object))))

(func $int_hash (param i32) (result i32) (call $cut (call $int (local.get 0))))
(func $float_hash (param i32) (result i32) (call $cut (call $float (local.get 0))))
(func $complex_hash (param i32) (result i32) (call $cut (call $complex (local.get 0))))
(func $python_hash (param i32) (result i32) (call $cut (call $python (local.get 0))))
(func $tuple_hash (param i32) (result i32)
    (if (i32.eq (i32.load offset=12 (local.get 0)) (i32.const -1))
        (then (i32.store offset=12 (local.get 0) (call $cut (call $tuple (local.get 0))))))
    (i32.load offset=12 (local.get 0)))
(func $frozenset_hash (param i32) (result i32)
    (if (i32.eq (i32.load offset=24 (local.get 0)) (i32.const -1))
        (then (i32.store offset=24 (local.get 0) (call $cut (call $frozenset (local.get 0))))))
    (i32.load offset=24 (local.get 0)))
(func $hash (param $module i32) (param $object i32) (result i32) (local $x i64)  ;; the built-in function
    (local.set $x (call $wide (local.get $object)))
    (if (i64.eq (local.get $x) (i64.const -1)) (then (return (i32.const 0))))
    (call $PyLong_FromLongLong (local.get $x)))

;; `float ** float`: OverflowError with the number and the words of Linux; its other messages have one argument
(func $power (param i32 i32 i32) (result i32) (local $result i32) (local $error i32)
    (local.set $result (call_indirect (param i32 i32 i32) (result i32)
        (local.get 0) (local.get 1) (local.get 2) (i32.load (i32.const POWER))))
    (if (local.get $result) (then (return (local.get $result))))
    (if (call $PyErr_ExceptionMatches (i32.load (i32.const OVERFLOW_ERROR))) (then
        (local.set $error (call $PyErr_GetRaisedException))
        (if (i32.eq (i32.load offset=8 (i32.load offset=12 (local.get $error))) (i32.const 2))
            (then
                (call $Py_DecRef (local.get $error))
                (call $PyErr_SetObject (i32.load (i32.const OVERFLOW_ERROR)) (i32.load (i32.const RANGE_ERROR))))
            (else (call $PyErr_SetRaisedException (local.get $error))))))
    (i32.const 0))

(func $overflowed (param $result i32) (result i32)
    (if (local.get $result) (then (return (i32.const 0))))
    (if (i32.eqz (call $PyErr_ExceptionMatches (i32.load (i32.const OVERFLOW_ERROR)))) (then (return (i32.const 0))))
    (call $PyErr_Clear)
    (i32.const 1))
(func $len (param $module i32) (param $object i32) (result i32) (local $result i32)
    (local.set $result (call_indirect (param i32 i32) (result i32)
        (local.get $module) (local.get $object) (i32.load (i32.const LEN))))
    (if (call $overflowed (local.get $result)) (then
        (return (call $PyObject_CallOneArg (i32.load (i32.const LEN_FALLBACK)) (local.get $object)))))
    (local.get $result))
"""
_WITH_FALLBACK = """
(func $name (param $module i32) (param $items i32) (param $count i32) (param $names i32) (result i32)
    (local $result i32)
    (local.set $result (call_indirect (param i32 i32 i32 i32) (result i32)
        (local.get $module) (local.get $items) (local.get $count) (local.get $names) (i32.load (i32.const NAME))))
    (if (call $overflowed (local.get $result)) (then
        (return (call $PyObject_Vectorcall (i32.load (i32.const NAME_FALLBACK))
            (local.get $items) (local.get $count) (local.get $names)))))
    (local.get $result))
"""


def functions(first_slot: int) -> Module:
    """The functions, as a module.

    Args:
        first_slot: the first of as many slots of the table as there are FUNCTIONS.

    Returns:
        A module that imports ``memory``, ``table`` and IMPORTS, in this order, and exports nothing.
    """
    constants = WORDS | {f"{name}_slot": first_slot + number for number, name in enumerate(FUNCTIONS)}
    text = _SOURCE
    for name in ("bisect_left", "bisect_right"):
        text += _WITH_FALLBACK.replace("$name", f"${name}").replace("NAME", name.upper())
    for name, number in constants.items():
        text = text.replace(f"const {name.upper()})", f"const {number})")
    text = text.replace("const P)", f"const {(1 << 61) - 1})")
    imports = "".join(f'(import "" "{name}" (func ${name} {kind}))\n' for name, kind in IMPORTS.items())
    table = f"(elem (i32.const {first_slot}) {' '.join('$' + name for name in FUNCTIONS)})"
    memory = '(import "" "memory" (memory 0)) (import "" "table" (table 0 funcref))\n'
    return Module.parse(bytes(wasmtime.wat2wasm(f"(module {memory}{imports}{text}{table})")))
