"""Classes flow with values, and with what decides about rows; nothing lowers them inside a place."""

from datetime import UTC, datetime

import pytest

from headwater.policy.labels import labels_of
from headwater.policy.values import Label
from headwater.spec.checks import NotNull
from tests.policy.laws import Law


def classes(law: Law, node: str, column: str) -> set[str]:
    return {label.class_ for label in labels_of(law.graph)[node][column]}


@pytest.mark.parametrize(
    "expression",
    [
        "email",
        "upper(email)",
        "email || country",
        "CASE WHEN email LIKE 'a%' THEN 1 ELSE 0 END",
        "coalesce(NULL, email)",
        "md5(email)",
        "length(email)",
        "left(email, 1)",
        "{'e': email}",
        "[email]",
        "to_json(customers)",
        "CAST(email AS BLOB)",
        "row_number() OVER (ORDER BY email)",
        "count(*) FILTER (WHERE email = 'x') OVER ()",
        "(SELECT max(c.email) FROM customers AS c)",
        "EXISTS (SELECT * FROM customers AS c WHERE c.email = customers.country)",
        "country IN (SELECT c.email FROM customers AS c)",
        "list_transform([1], lambda x: email)",
    ],
)
def test_values_carry_their_class_through_every_operator(law: Law, expression: str) -> None:
    law.model("m", f"SELECT {expression} AS v FROM customers")
    assert "pii.email" in classes(law, "m", "v")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT plan AS v FROM customers WHERE email = 'x'",
        "SELECT a.plan AS v FROM customers AS a JOIN customers AS b ON a.country = b.email",
        "SELECT count(*) AS v FROM customers GROUP BY email",
        "SELECT plan AS v FROM customers GROUP BY plan HAVING max(email) > 'a'",
        "SELECT plan AS v FROM customers ORDER BY email LIMIT 1",
        "SELECT DISTINCT ON (email) plan AS v FROM customers",
        "SELECT plan AS v FROM customers QUALIFY row_number() OVER (ORDER BY email) = 1",
        "SELECT v FROM (SELECT DISTINCT email, plan AS v FROM customers)",
        "SELECT plan AS v FROM customers WHERE EXISTS (SELECT * FROM customers AS c WHERE c.email = 'x')",
        "SELECT plan AS v FROM customers EXCEPT SELECT email FROM customers",
        "WITH c AS (SELECT plan FROM customers WHERE email = 'x') SELECT plan AS v FROM c",
        "SELECT u AS v FROM (SELECT plan, unnest(string_split(email, '')) AS u FROM customers)",
        "SELECT count(*) AS v FROM customers WHERE email IS NOT NULL",
        "SELECT 1 AS v FROM customers WHERE email = 'x'",
    ],
)
def test_what_decides_about_rows_flows_into_every_column(law: Law, query: str) -> None:
    law.model("m", query)
    assert "pii.email" in classes(law, "m", "v")


def test_labels_flow_from_model_to_model(law: Law) -> None:
    law.model("filtered", "SELECT id, plan FROM customers WHERE email = 'x'")
    law.model("counted", "SELECT count(*) AS n FROM filtered")
    law.model("doubled", "SELECT 2 AS two FROM counted")
    assert "pii.email" in classes(law, "counted", "n")
    assert "pii.email" in classes(law, "doubled", "two")


def test_columns_that_are_not_read_leave_no_label(law: Law) -> None:
    law.model("m", "SELECT plan AS v FROM customers")
    assert classes(law, "m", "v") == {"public"}


def test_a_constant_has_no_label_but_that_of_the_rows(law: Law) -> None:
    law.source("notes", "id bigint")
    law.model("one", "SELECT 1 AS v")
    law.model("each", "SELECT 1 AS v FROM notes")
    assert classes(law, "one", "v") == set()
    assert classes(law, "each", "v") == {"unclassified"}


def test_a_model_adds_classes_and_never_removes_one(law: Law) -> None:
    law.model("m", "SELECT email AS v, plan AS w FROM customers", "v text public, w text secret")
    assert classes(law, "m", "v") == {"pii.email"}
    assert classes(law, "m", "w") == {"public", "secret"}


def test_a_label_says_where_it_comes_from(law: Law) -> None:
    law.model("m", "SELECT email AS v FROM customers")
    law.model("n", "SELECT v AS w FROM m")
    assert labels_of(law.graph)["n"]["w"] == {Label("customers.email", "pii.email")}


def test_code_that_cannot_be_read_gives_every_column_all_labels(law: Law) -> None:
    law.python("scores", {"rows": "customers"}, "id bigint, score double public")
    assert classes(law, "scores", "score") == {"public", "unclassified", "pii.email", "internal", "financial.amount"}


def test_a_query_that_is_not_understood_gives_every_column_all_labels(law: Law) -> None:
    law.model("m", "SELECT COLUMNS('plan') FROM customers")
    assert "pii.email" in classes(law, "m", "plan")


def test_a_grant_lowers_labels_for_who_reads_through_it(law: Law) -> None:
    law.model("m", "SELECT email AS v FROM customers")
    seen = {("m", "customers"): {"email": frozenset({Label("customers.email", "pii.email", "token")})}}
    assert labels_of(law.graph, seen)["m"]["v"] == {Label("customers.email", "pii.email", "token")}


def test_the_column_that_cuts_time_decides_about_rows(law: Law) -> None:
    law.source("visits", "id bigint public, day date pii.birthday", time="day", start=datetime(2024, 1, 1, tzinfo=UTC))
    law.model("m", "SELECT day, id FROM visits", kind="inline", time="day")
    assert classes(law, "m", "id") == {"public", "pii.birthday"}


def test_the_key_of_a_merge_decides_about_rows(law: Law) -> None:
    law.model("latest", "SELECT email AS id, plan FROM customers", kind="merge", key=("id",))
    assert "pii.email" in classes(law, "latest", "plan")


def test_a_check_that_sets_rows_aside_decides_about_rows(law: Law) -> None:
    checks = (NotNull(columns=("email",), on_fail="quarantine"),)
    law.model("clean", "SELECT plan, email FROM customers", checks=checks)
    assert "pii.email" in classes(law, "clean", "plan")
