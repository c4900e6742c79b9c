"""Tidies what arrives, and sends each modality to its room. One component, two roles: filter and router."""

import json
from datetime import date

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.filter import Verdict_Keep, Verdict_Refuse
from wit_world.imports import config, plan
from wit_world.imports.failure import Failure, Retry_Never
from wit_world.imports.types import Path, Value_Text

STUDY_DATE = 0x0008_0020
ACCESSION_NUMBER = 0x0008_0050
MODALITY = 0x0008_0060
INSTITUTION_NAME = 0x0008_0080


def at(tag):
    """An element of the top level."""
    return Path([], tag)


def first(value):
    """The first text of a value, and "" where there is none. A value that is no text raises."""
    return value.value[0].strip() if value is not None and value.value else ""


class Filter(exports.Filter):
    def apply(self, object, passage, edits):
        number, studied = map(first, object.get_many([at(ACCESSION_NUMBER), at(STUDY_DATE)]))
        if not number:
            return Verdict_Refuse("it has no accession number")
        if studied:
            try:
                date.fromisoformat(studied)
            except ValueError:
                # The operator reads this: no value of the object goes in.
                raise Err(Failure(Retry_Never(), "its study date is no date")) from None
        edits.set(at(ACCESSION_NUMBER), Value_Text([number.upper()]))
        edits.set(at(INSTITUTION_NAME), Value_Text([json.loads(config.get())["institution"]]))
        return Verdict_Keep()


class Router(exports.Router):
    def route(self, object, plan):
        room = json.loads(config.get())["rooms"].get(first(object.get(at(MODALITY))))
        if room is not None:
            plan.send_to(room)


class Lifecycle(exports.Lifecycle):
    def check(self):
        """Refuses what the roles could not work with, by one sentence for the operator."""
        settings = json.loads(config.get())
        if not isinstance(settings.get("institution"), str):
            raise Err("`institution` must be a text")
        if not isinstance(settings.get("rooms"), dict):
            raise Err("`rooms` must be a table of modality and destination")
        for room in settings["rooms"].values():
            if room not in plan.destinations():
                raise Err(f"`{room}` is no configured destination")
