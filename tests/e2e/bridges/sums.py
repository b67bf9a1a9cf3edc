"""Tasks of Inspect, as its users write them."""

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes, match
from inspect_ai.solver import generate, system_message, use_tools
from inspect_ai.tool import tool


@task
def sums() -> Task:
    questions = [Sample(id=f"q{n}", input=f"What is {n} + {n}?", target=str(2 * n)) for n in range(1, 5)]
    return Task(dataset=questions, solver=[system_message("Be brief."), generate()], scorer=[includes(), match()])


@tool
def get_weather():
    async def execute(city: str) -> str:
        """The weather of a city.

        Args:
            city: Its name.
        """
        return f"{city}: sunny"

    return execute


@task
def weather() -> Task:
    return Task(
        dataset=[Sample(id="paris", input="What is the weather in Paris?", target="sunny")],
        solver=[use_tools(get_weather()), generate()],
        scorer=includes(),
    )
