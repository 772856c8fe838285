"""Check digits: what tells a card, an account or an identity number from digits that happen to be as many."""

from typing import Final

_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_FIRST_LETTERS: Final = {"X": "0", "Y": "1", "Z": "2"}
_CPF_LENGTH: Final = 11


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others, as payment cards have one.

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    doubled = (sum(divmod(int(digit) * (2 if at % 2 else 1), 10)) for at, digit in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


def iban(text: str) -> bool:
    """Whether the two digits behind the country check the account, as every IBAN's do.

    >>> iban("DE89370400440532013000"), iban("DE88370400440532013000")
    (True, False)
    """
    moved = text[4:] + text[:4]
    return int("".join(str(int(each, 36)) for each in moved)) % 97 == 1


def dni(text: str) -> bool:
    """Whether the letter of a Spanish DNI or NIE is that of its number.

    >>> dni("12345678Z"), dni("12345678A"), dni("X1234567L")
    (True, False, True)
    """
    number = _FIRST_LETTERS.get(text[0], text[0]) + text[1:-1]
    return _DNI[int(number) % 23] == text[-1]


def cpf(digits: str) -> bool:
    """Whether the last two of eleven digits check the others, as those of a Brazilian CPF do.

    >>> cpf("52998224725"), cpf("52998224726"), cpf("11111111111")
    (True, False, False)
    """
    if len(set(digits)) == 1 or len(digits) != _CPF_LENGTH:
        return False
    for end in (9, 10):
        weighted = sum(int(digit) * (end + 1 - at) for at, digit in enumerate(digits[:end]))
        if weighted * 10 % 11 % 10 != int(digits[end]):
            return False
    return True


def bsn(digits: str) -> bool:
    """Whether nine digits pass the test of eleven, as a Dutch BSN does.

    >>> bsn("111222333"), bsn("111222334")
    (True, False)
    """
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11 == 0


def nir(digits: str) -> bool:
    """Whether the last two of fifteen digits check the others, as those of a French social security number do.

    >>> nir("255081416802538"), nir("255081416802539")
    (True, False)
    """
    return 97 - int(digits[:13]) % 97 == int(digits[13:])
