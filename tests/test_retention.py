"""How long each class of data is kept, as it is configured."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.retention import RetentionSettings
from gateway.store.retention import CLASSES

DAY = 86_400


def test_every_class_of_data_has_an_age_of_its_own() -> None:
    assert RetentionSettings.model_fields.keys() == {of.name for of in CLASSES}
    ages = {
        "calls": 90 * DAY,
        "contents": 30 * DAY,
        "responses": 30 * DAY,
        "feedback": 90 * DAY,
        "deliveries": 30 * DAY,
    }
    assert RetentionSettings().ages() == ages


def test_null_keeps_for_ever() -> None:
    assert RetentionSettings(calls=None, contents="12h", responses=None, feedback=None, deliveries=None).ages() == {
        "contents": DAY // 2
    }


@pytest.mark.parametrize("given", [{"calls": "90"}, {"calls": "a year"}, {"contents": 30}, {"prompts": "1d"}])
def test_what_is_no_age_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RetentionSettings.model_validate(given)
