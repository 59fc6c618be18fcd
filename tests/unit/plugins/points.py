"""Extension points of the tests' own, one of each discipline."""

from tradewind.plugins.markers import collects, decides, observes


@collects
def tradewind_name_things(prefix):
    raise NotImplementedError


@decides
def tradewind_choose(thing, among):
    raise NotImplementedError


@observes
def tradewind_on_thing(event):
    raise NotImplementedError
