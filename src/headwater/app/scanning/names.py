"""What columns of classes are called, in several languages."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_CALLED: Final[Mapping[str, str]] = {
    "pii.email": (
        "email e_mail mail mail_address email_address"
        " courriel correo correo_electronico e_post eposta posta_elettronica"
    ),
    "pii.phone": (
        "phone telephone tel mobile mobile_number cell cellphone fax msisdn telefon telefonnummer handy mobiltelefon"
        " telefono movil celular telefone telemovel numero_telephone portable telefoon puhelin komorka"
    ),
    "pii.ip": "ip ip_address ip_addr ipv4 ipv6 client_ip remote_addr remote_ip adresse_ip direccion_ip indirizzo_ip",
    "pii.mac": "mac mac_address mac_addr",
    "pii.first_name": (
        "first_name firstname given_name forename fname vorname prenom nombre_de_pila primer_nombre primeiro_nome"
        " voornaam fornamn imie etunimi"
    ),
    "pii.last_name": (
        "last_name lastname surname family_name lname nachname familienname nom_de_famille apellido apellidos cognome"
        " sobrenome apelido achternaam efternamn nazwisko sukunimi maiden_name geburtsname"
    ),
    "pii.name": (
        "full_name fullname person_name customer_name"
        " client_name patient_name employee_name contact_name cardholder_name"
        " kundenname nom_complet nom_client nombre_completo nome_completo nome_cognome"
    ),
    "pii.username": (
        "username user_name login login_name screen_name benutzername nom_utilisateur nombre_usuario nome_utente"
    ),
    "pii.address": (
        "address_line address_line_1 address1 address2 home_address"
        " street_address postal_address anschrift direccion indirizzo endereco"
    ),
    "pii.street": "street strasse rue calle rua straat house_number hausnummer",
    "pii.zip": (
        "zip zip_code zipcode postcode postal_code postleitzahl"
        " plz code_postal codigo_postal cap_code cep postnummer kod_pocztowy"
    ),
    "pii.birth": (
        "birth birthday birthdate birth_date date_of_birth dob born_on geburtsdatum geburtstag date_naissance"
        " date_de_naissance fecha_nacimiento fecha_de_nacimiento data_nascita data_di_nascita data_nascimento"
        " geboortedatum fodelsedatum data_urodzenia"
    ),
    "pii.gender": "gender sex geschlecht sexe genero sesso geslacht kon plec",
    "pii.nationality": (
        "nationality citizenship nationalitaet staatsangehoerigkeit nationalite nacionalidad nazionalita"
    ),
    "pii.religion": "religion confession konfession religione",
    "pii.ethnicity": "ethnicity race_ethnicity ethnic_group",
    "pii.ssn": "ssn social_security social_security_number",
    "pii.national_id": (
        "national_id national_id_number personal_number personnummer nif nie dni cpf codice_fiscale nir"
        " numero_securite_sociale bsn burgerservicenummer nino insurance_number sozialversicherungsnummer pesel"
        " personalausweis steuer_id ahv hetu"
    ),
    "pii.tax_id": "tax_id tax_number tin steuernummer itin",
    "pii.passport": "passport passport_number passport_no reisepass numero_passeport pasaporte passaporto",
    "pii.license": "driver_license drivers_license driving_licence fuehrerschein permis_de_conduire",
    "pii.device": "device_id imei advertising_id idfa gaid",
    "pii.cookie": "cookie cookie_id session_cookie",
    "pci.pan": (
        "pan card_number cardnumber credit_card credit_card_number cc_number kartennummer numero_carte numero_tarjeta"
    ),
    "pci.cvv": "cvv cvc cvv2 card_security_code",
    "pci.expiry": "card_expiry card_expiration",
    "pci.holder": "cardholder card_holder karteninhaber",
    "financial.iban": "iban",
    "financial.account": "account_number bank_account kontonummer numero_compte numero_cuenta",
    "financial.salary": "salary wage gehalt lohn salaire salario stipendio loon",
    "phi.diagnosis": "diagnosis icd icd10 diagnose diagnostic diagnostico diagnosi",
    "phi.medication": "medication prescription medikament medicament medicamento farmaco",
    "phi.record": "medical_record medical_record_number mrn patient_id",
    "secret.password": "password passwd pwd password_hash passwort mot_de_passe contrasena senha wachtwoord",
    "secret.token": "access_token refresh_token auth_token api_token bearer_token session_token",
    "secret.key": "api_key secret_key private_key client_secret",
}
_WORDS: Final[Mapping[tuple[str, ...], str]] = {
    tuple(each.split("_")): class_ for class_, names in _CALLED.items() for each in names.split()
}
_LONGEST: Final = max(map(len, _WORDS))
_NO_VALUE: Final = frozenset(
    {"is", "has", "count", "number", "num", "n", "valid", "verified", "confirmed", "sent", "opened", "status", "type"}
    | {
        "kind",
        "rate",
        "share",
        "total",
        "domain",
        "opt",
        "id",
        "version",
        "model",
        "provider",
        "length",
        "hash",
        "template",
    }
)
"""Words that make something else of a column: ``email_verified`` is no address."""


def words_of(name: str) -> tuple[str, ...]:
    """Take a column's name apart, without accents.

    >>> words_of("ClientIP"), words_of("e-mail"), words_of("prénom_2")
    (('client', 'ip'), ('e', 'mail'), ('prenom', '2'))
    """
    spelled = name.replace("ß", "ss").replace("ø", "o").replace("ł", "l")
    plain = "".join(c for c in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(c))
    return tuple(part.casefold() for part in _PARTS.findall(plain))


def class_named(name: str) -> str:
    """Give the class that a column's name speaks of; empty if of none.

    >>> class_named("customer_email"), class_named("Geburtsdatum"), class_named("email_verified"), class_named("amount")
    ('pii.email', 'pii.birth', '', '')
    """
    words = words_of(name)
    for length in range(min(len(words), _LONGEST), 0, -1):
        for start in range(len(words) - length, -1, -1):
            class_ = _WORDS.get(words[start : start + length])
            if class_ and _means_it(words, start, start + length):
                return class_
    return ""


def _means_it(words: tuple[str, ...], start: int, end: int) -> bool:
    """Whether what stands around the words leaves them what they are."""
    before, after = words[:start], words[end:]
    rest = {*before[:1], *after}
    return not (rest & _NO_VALUE)
