"""What triggers look at: the source that an environment's own code names."""

from headwater.app.serving.facts import LOOK_EVERY, Looker


def test_a_source_of_one_name_may_lie_elsewhere_in_another_environment(project):
    columns = {"id": "bigint"}
    project.source("raw", columns, [(1,)])
    here, head = project.graph(), project.head()
    project.source("raw", columns, path="data/elsewhere/*.csv")
    there, looker = project.graph(), Looker(project.workspace)
    first = [looker.nodes(graph, head, ["raw"], project.now)["raw"] for graph in (here, there)]
    assert first[0] != first[1]
    project.file("elsewhere", "1.csv", ["id"], [(1,)])
    later = project.now + LOOK_EVERY
    second = [looker.nodes(graph, head, ["raw"], later)["raw"] for graph in (here, there)]
    assert (second[0] == first[0], second[1] == first[1]) == (True, False)
