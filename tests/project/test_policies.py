"""Sites, policies, keys and tests of policies: how they are written, and what is wrong with them."""

import pytest

from headwater.diagnostics import Diagnostic, Severity
from headwater.project.loading import load
from headwater.spec.policies import Deny, Form, Policy, Retain
from tests.project.making import START, FileFields, Files, TableFields

SITES = START + "sites: {hub: {jurisdiction: us}, eu: {jurisdiction: eu}, uk: {jurisdiction: uk}}\n"
SOURCES = """
sources:
  access_log:
    connector: files
    path: logs/*.csv
    at: eu
    columns: {ts: {type: timestamptz}, client_ip: {type: text, class: pii.ip}, path: text, status: integer, bytes: bigint}
  customers:
    connector: files
    path: customers.csv
    at: eu
    columns: {customer_id: {type: bigint, required: true}, country: text}
  orders:
    connector: files
    path: orders.csv
    at: eu
    columns: {order_id: bigint, product: text, quantity: integer}
"""
MANUAL = """
keys:
  crm: {secret: "${env:CRM_KEY}", at: [eu, uk]}        # who holds it; never a destination of its tokens
policies:
  traffic-totals:
    ship: [bytes]
    from: access_log@eu              # source or model, at a site or jurisdiction
    to: [hub]
    where: "ts >= date_trunc('day', $now) - INTERVAL 90 DAY"
    as: {aggregates: [sum, count], by: {hour: "date_trunc('hour', ts)", path: path, status: status}, unit: client_ip, min_group: 10}
  customer-tokens:
    ship: [customer_id, country]
    from: customers@eu
    to: [us]
    as: {transform: hmac, on: [customer_id], key: crm}
  order-lines:
    ship: [order_id, product, quantity]
    from: orders@eu
    to: [us]                         # raw
  pii-stays:
    deny: {class: pii, to: "!eu"}    # beats every ship; not tokens, coarse or aggregated forms unless `even: [token]`
  keep-a-year:
    retain: {class: pii, for: 365d, then: delete}
policy_tests:
  raw addresses stay: {plan: "SELECT client_ip FROM access_log", at: hub, expect: refused}
"""


@pytest.fixture
def shop(files: Files) -> Files:
    return files.write("headwater.yaml", SITES).write("sources.yaml", SOURCES)


def wrong(files: Files, text: str) -> Diagnostic:
    return files.write("policies.yaml", text).mistake


def ship(**settings: str) -> str:
    """A policy over orders with other settings; without a value a setting is left out."""
    said = {"ship": "[product]", "from": "orders@eu", "to": "us", **settings}
    return "policies:\n  p:\n" + "".join(f"    {key}: {value}\n" for key, value in said.items() if value)


# As the manual writes them


def test_the_policies_of_the_manual_are_read(shop: Files) -> None:
    policies = shop.write("policies.yaml", MANUAL).project.policies
    assert policies["traffic-totals"] == Policy(
        name="traffic-totals",
        ship=("bytes",),
        from_="access_log@eu",
        to=("hub",),
        where="ts >= date_trunc('day', $now) - INTERVAL 90 DAY",
        as_=Form(
            aggregates=("sum", "count"),
            by={"hour": "date_trunc('hour', ts)", "path": "path", "status": "status"},
            unit="client_ip",
            min_group=10,
        ),
    )
    assert policies["customer-tokens"].as_ == Form(transform="hmac", on=("customer_id",), key="crm")
    assert policies["order-lines"].as_ is None
    assert policies["pii-stays"].deny == Deny(class_="pii", to=("!eu",))
    assert policies["keep-a-year"].retain == Retain(class_="pii", for_=365 * 86400.0, then="delete")


def test_the_keys_and_tests_of_the_manual_are_read(shop: Files) -> None:
    project = shop.write("policies.yaml", MANUAL).project
    assert (project.keys["crm"].secret, project.keys["crm"].at_sites) == ("${env:CRM_KEY}", ("eu", "uk"))
    test = project.policy_tests["raw addresses stay"]
    assert (test.plan, test.at_sites, test.expect) == ("SELECT client_ip FROM access_log", "hub", "refused")


def test_a_reference_table_lies_at_all_sites(shop: Files) -> None:
    shop.write("x.yaml", "sources: {x: {connector: files, path: x.csv, at: all, replicated: true, columns: {a: text}}}")
    assert (shop.project.sources["x"].replicated, shop.project.sources["x"].at_sites) == (True, ("hub", "eu", "uk"))


def test_a_partition_is_read(shop: Files) -> None:
    text = "{connector: files, path: x.csv, at: all, partition: {id: customers}, columns: {id: {type: bigint, required: true}}}"
    shop.write("x.yaml", f"sources: {{x: {text}}}")
    assert shop.project.sources["x"].partition == {"id": "customers"}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("models/m.sql", "/* headwater\nthrough: {access_log: traffic-totals}\n*/\nSELECT 1 AS a"),
        ("m.yaml", "models: {m: {sql: SELECT 1 AS a, through: {access_log: traffic-totals}}}"),
        ("models/m.py", 'import headwater as hw\nhw.sql_model(name="m", sql="SELECT 1 AS a", through={"access_log": "traffic-totals"})\n'),
        (
            "models/m.py",
            """import headwater as hw
@hw.model(columns={"a": "text"}, through={"access_log": "traffic-totals"})
def m(access_log): ...
""",
        ),
    ],
)  # fmt: skip
def test_a_model_names_the_policy_by_which_it_reads(file: str, text: str, shop: Files) -> None:
    shop.write("policies.yaml", MANUAL).write(file, text)
    assert shop.project.models["m"].through == {"access_log": "traffic-totals"}


# Policies


@pytest.mark.parametrize("setting", ["description: why", "ship: []", "from: orders@eu"])
def test_a_policy_does_something(setting: str, shop: Files) -> None:
    assert wrong(shop, f"policies: {{p: {{{setting}}}}}").code == "HW1200"


def test_a_policy_does_one_thing(shop: Files) -> None:
    mistake = wrong(shop, ship(deny="{class: pii}"))
    assert (mistake.code, str(mistake.where)) == ("HW1200", "policies.yaml:6:5")


@pytest.mark.parametrize("key", ["from", "to"])
def test_what_ships_says_from_where_to_where(key: str, shop: Files) -> None:
    assert wrong(shop, ship(**{key: ""})).message.endswith(f"does not say `{key}`")


@pytest.mark.parametrize("key", ["from: orders@eu", "to: us", 'where: "true"', "as: {transform: hmac}", "classes: pii"])
def test_what_denies_has_no_settings_of_what_ships(key: str, shop: Files) -> None:
    mistake = wrong(shop, f"policies: {{p: {{deny: {{class: pii}}, {key}}}}}")
    assert (mistake.code, mistake.message.split()[0]) == ("HW1201", f"`{key.partition(':')[0]}`")


def test_an_unknown_relation_has_a_suggestion(shop: Files) -> None:
    mistake = wrong(shop, ship(**{"from": "order@eu"}))
    assert (mistake.code, mistake.hint, str(mistake.where)) == (
        "HW1202",
        "did you mean `orders`?",
        "policies.yaml:4:11",
    )


@pytest.mark.parametrize(
    "settings",
    [{"to": "[ue]"}, {"from": "orders@ue"}, {"from": "orders@"}, {"from": "orders@uk"}, {"to": '"!eu"'}, {"to": "[us, 'us ']"}],
)  # fmt: skip
def test_places_exist_and_hold_the_relation(settings: dict[str, str], shop: Files) -> None:
    assert wrong(shop, ship(**settings)).code == "HW1203"


@pytest.mark.parametrize("to", ["!ue", "[us, '!eu']", "[]x"])
def test_a_deny_names_places_that_there_are(to: str, shop: Files) -> None:
    text = to if to.startswith("[us") else f"'{to}'"
    assert wrong(shop, f"policies: {{p: {{deny: {{class: pii, to: {text}}}}}}}").code == "HW1203"


@pytest.mark.parametrize(
    "settings", [{"ship": "[produkt]"}, {"ship": "[product, Product]"}, {"as": "{aggregates: [sum], unit: client}"}]
)
def test_columns_of_a_source_are_known(settings: dict[str, str], shop: Files) -> None:
    assert wrong(shop, ship(**settings)).code == "HW1204"


def test_names_of_columns_differ_in_more_than_case(shop: Files) -> None:
    assert shop.write("policies.yaml", ship(ship="[Product]")).mistakes == []


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "{unit: product}",
        "{transform: round, aggregates: [sum]}",
        "{transform: round}",
        "{transform: round, on: [product], min_group: 5}",
        "{transform: truncate, on: [product], length: 0}",
        "{aggregates: [sum], min_group: 1}",
        "{aggregates: [sum], on: [product]}",
        "{aggregates: [sum], by: {a: product, A: product}}",
        "{aggregates: [sum], by: {a: ''}}",
    ],
)
def test_a_form_is_one_with_what_belongs_to_it(form: str, shop: Files) -> None:
    assert wrong(shop, ship(**{"as": form})).code == "HW1205"


def test_only_shipped_columns_are_transformed(shop: Files) -> None:
    mistake = wrong(shop, ship(**{"as": "{transform: round, on: [quantity]}"}))
    assert (mistake.code, mistake.hint) == ("HW1204", "`ship` names product")


@pytest.mark.parametrize("form", ["{transform: hmac, on: [product], key: crn}", "{aggregates: [approx_distinct]}"])
def test_tokens_need_a_key(form: str, shop: Files) -> None:
    keys = 'keys: {crm: {secret: "${env:CRM_KEY}", at: eu}}\n'
    assert wrong(shop, keys + ship(**{"as": form})).code == "HW1206"


# Keys


@pytest.mark.parametrize("secret", ["hunter2hunter2", "${env:CRM_KEY}hunter2", "${evn:hunter2}", "hunter2 hunter2"])
def test_a_secret_in_a_file_is_refused_and_not_shown(secret: str, shop: Files) -> None:
    mistake = wrong(shop, f'keys: {{crm: {{secret: "{secret}", at: [eu]}}}}')
    assert (mistake.code, str(mistake.where)) == ("HW1207", "policies.yaml:1:8")
    assert "hunter2" not in f"{mistake.message} {mistake.hint}"


def test_somebody_holds_a_key(shop: Files) -> None:
    assert wrong(shop, 'keys: {crm: {secret: "${env:CRM_KEY}"}}').code == "HW1217"


def test_a_key_is_held_at_places_that_there_are(shop: Files) -> None:
    assert wrong(shop, 'keys: {crm: {secret: "${env:CRM_KEY}", at: [eu, huk]}}').hint == "did you mean `uk`?"


# Tests of policies, and models that read through policies


@pytest.mark.parametrize("more", ["at: ue", 'plan: " "', "expect: allowed, because: client_ip"])
def test_a_test_of_policies_can_be(more: str, shop: Files) -> None:
    said = "" if "plan" in more else "plan: SELECT 1, "
    assert wrong(shop, f"policy_tests: {{it stays: {{{said}{more}}}}}").code == "HW1218"


@pytest.mark.parametrize("through", ["{acces_log: traffic-totals}", "{orders: traffic-totals}", "{orders: pii-stays}"])
def test_a_model_reads_through_a_policy_that_ships_its_input(through: str, shop: Files) -> None:
    shop.write("policies.yaml", MANUAL)
    shop.write("models/m.sql", f"/* headwater\nthrough: {through}\n*/\nSELECT product FROM orders")
    mistake = shop.mistake
    assert (mistake.code, mistake.where.line if mistake.where else 0) == ("HW1212", 2)


# Sites, and sources at them


def test_one_site_with_a_jurisdiction_asks_all_for_one(files: Files) -> None:
    files.write("headwater.yaml", START + "sites:\n  eu: {jurisdiction: eu}\n  uk: {}\n")
    assert files.mistakes == ["HW1209 headwater.yaml:1:1", "HW1209 headwater.yaml:4:3"]


def test_a_name_of_two_places_is_not_guessed(files: Files) -> None:
    sites = START + "sites: {hub: {jurisdiction: us}, eu: {jurisdiction: eu}, fr: {jurisdiction: eu}}\n"
    files.write("headwater.yaml", sites).write("sources.yaml", SOURCES)
    assert wrong(files, ship()).code == "HW1208"


def test_the_sole_member_may_have_the_name_of_its_jurisdiction(shop: Files) -> None:
    assert shop.write("policies.yaml", ship()).mistakes == []


def test_as_a_destination_a_member_means_its_jurisdiction_anyway(files: Files) -> None:
    sites = START + "sites: {hub: {jurisdiction: us}, us: {jurisdiction: us}, eu: {jurisdiction: eu}}\n"
    files.write("headwater.yaml", sites).write("sources.yaml", SOURCES)
    assert files.write("policies.yaml", ship(to="us")).mistakes == []


def test_the_hub_has_no_runtime(files: Files) -> None:
    files.write("headwater.yaml", START + "sites: {hub: {runtime: local}}")
    assert files.mistake.code == "HW1213"


def test_a_site_works_on_something(files: Files) -> None:
    files.write("headwater.yaml", START + "sites: {a: {capacity: 0}}")
    assert files.mistake.message == "`capacity` must be at least 1"


def test_jurisdictions_have_names_like_sites(files: Files) -> None:
    files.write("headwater.yaml", START + 'sites: {hub: {jurisdiction: "!eu"}}')
    assert files.mistake.code == "HW0114"


def test_a_malformed_reference_in_a_site_is_named(files: Files) -> None:
    files.write("headwater.yaml", START + 'sites: {eu: {root: "${evn:DATA}/eu"}}')
    assert files.mistake.code == "HW0113"


def source(settings: str) -> str:
    return (
        "sources:\n  x:\n    connector: files\n    path: x.csv\n"
        f"    columns: {{id: {{type: bigint, required: true}}, name: text}}\n    {settings}\n"
    )


@pytest.mark.parametrize("settings", ["replicated: true", "{at: [eu, eu], replicated: true}"])
def test_what_is_replicated_lies_at_several_sites(settings: str, shop: Files) -> None:
    shop.write("x.yaml", source(settings.strip("{}").replace(", replicated", "\n    replicated")))
    assert shop.mistake.code == "HW1211"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("at: all\n    partition: {nam: a}", "`x` declares no column `nam`"),
        ("at: all\n    partition: {name: a}", "the column `name` may be NULL, and a NULL would lie at two sites"),
        ("at: eu\n    partition: {id: a}", "`x` lies at one site only: there is nothing to tell apart"),
        (
            "at: all\n    replicated: true\n    partition: {id: a}",
            "`x` is replicated: every value of it lies at all of its sites",
        ),
    ],
)
def test_a_partition_can_be_told_apart(settings: str, message: str, shop: Files) -> None:
    mistake = shop.write("x.yaml", source(settings)).mistake
    assert (mistake.code, mistake.message) == ("HW1210", message)


def test_a_site_that_computes_for_itself_reads_files(shop: Files) -> None:
    shop.write("x.yaml", "sources: {x: {connector: sqlite, path: x.db, table: x, at: eu, columns: {a: text}}}")
    fields = {"sqlite": TableFields, "files": FileFields}
    _, found = load(shop.root, registry_fields=lambda _, name: fields.get(name))
    assert [(d.code, str(d.where)) for d in found] == [("HW1214", "x.yaml:1:60")]


# Classes


@pytest.mark.parametrize("class_", ["public", "pii.email", "pci.pan", "phi.diagnosis", "hr", "hr.badge_2", "pii.shoe"])
def test_known_classes_and_ones_own_are_taken(class_: str, shop: Files) -> None:
    shop.write("x.yaml", source(f"at: eu\n    checks: []\n  y: {_classed(class_)}"))
    assert shop.mistakes == []


@pytest.mark.parametrize(("slip", "known"), [("pii.emial", "pii.email"), ("publik", "public"), ("pi.ip", "pii.ip")])
def test_a_slip_of_a_class_is_remarked(slip: str, known: str, shop: Files) -> None:
    mistake = shop.write("x.yaml", f"sources:\n  y: {_classed(slip)}").mistake
    assert (mistake.code, mistake.severity) == ("HW1215", Severity.WARNING)
    assert mistake.hint == f"did you mean `{known}`?"


@pytest.mark.parametrize("class_", ["PII", "pii email", "pii.", ".x", "'1'"])
def test_a_class_is_lower_case_words(class_: str, shop: Files) -> None:
    assert shop.write("x.yaml", f"sources:\n  y: {_classed(class_)}").mistake.code == "HW1216"


def test_a_slip_in_a_rule_is_remarked(shop: Files) -> None:
    assert wrong(shop, "policies: {p: {deny: {class: pi}}}").hint == "did you mean `pii`?"


def _classed(class_: str) -> str:
    return f"{{connector: files, path: y.csv, at: eu, columns: {{a: {{type: text, class: {class_}}}}}}}"
