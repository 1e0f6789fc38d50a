"""The page on OpenAI's form: its program runs, and its table names what is read."""

import re
from pathlib import Path

from serving import served

from text2sql import Predictor
from text2sql.serving import create_app
from text2sql.serving.chats import MOST_CHARACTERS, MOST_ROWS, ChatBody

PAGE = (Path(__file__).parent.parent / "docs" / "openai.md").read_text()


def test_the_program_of_the_page_asks(shop, capsys):
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    with (
        Predictor.from_pretrained("mini", database=shop) as predictor,
        served(create_app(predictor)) as client,
    ):
        exec(program, {"address": str(client.base_url).rstrip("/")})

    said = capsys.readouterr().out
    assert said.startswith("```sql\nselect count(*)") and "| 400 |" in said


def test_every_field_that_is_read_is_told():
    for name in ChatBody.model_fields:
        assert f"`{name}`" in PAGE or name == "model"
    assert f"at most {MOST_ROWS} rows and {MOST_CHARACTERS} characters" in PAGE
