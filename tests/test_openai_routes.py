"""OpenAI's form: the official client against a real server, and the requests that tools send."""

import json
from dataclasses import replace

import openai
import pytest
from scripted import scripted_model
from serving import asked, served

from text2sql import Predictor
from text2sql.project import find_database
from text2sql.serving import create_app

TIERS = "SELECT tier, count(*) AS n FROM customers GROUP BY tier"
QUESTION = {"role": "user", "content": "customers per tier?"}
PEOPLE = {"key-ann": {"name": "ann", "role": "clerk"}, "key-ben": {"name": "ben", "role": "none"}}
POLICY = {"roles": {"clerk": {"tables": {"customers": {"mask": {"email": None}}}}}}


@pytest.fixture(scope="module")
def prompts():
    """What the model was asked, in order."""
    return []


@pytest.fixture(scope="module")
def http(samples, prompts):
    """Yield a client of a service that always writes the same SQL about the shop."""
    database = find_database(str(samples / "database" / "shop" / "shop.sqlite"))
    model = scripted_model(lambda prompt: prompts.append(prompt) or [TIERS])
    written = model.backend.generate
    model.backend.generate = lambda *given, **more: [
        [replace(text, tokens=len(text.text.split())) for text in texts]
        for texts in written(*given, **more)
    ]
    with Predictor(model, database) as predictor, served(create_app(predictor)) as client:
        yield client


@pytest.fixture(scope="module")
def client(http):
    """The official client of that service."""
    return openai.OpenAI(base_url=f"{http.base_url}/v1", api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def name(client):
    """The id of its model."""
    (model,) = client.models.list().data
    return model.id


def completed(client, name, *messages, **more):
    return client.chat.completions.create(model=name, messages=list(messages), **more)


def test_a_model_id_names_the_model_and_the_database(client, name):
    assert name.endswith("/shop") and client.models.retrieve(name).id == name
    assert completed(client, name.removesuffix("/shop"), QUESTION).model == name
    with pytest.raises(openai.NotFoundError, match="known: ") as caught:
        completed(client, "gpt-4o", QUESTION)
    assert caught.value.code == "model_not_found"


def test_the_message_holds_sql_and_rows(client, name):
    answer = completed(client, name, QUESTION)
    content = answer.choices[0].message.content

    assert content.startswith(f"```sql\n{TIERS}\n```\n")
    assert "| tier | n |\n| --- | --- |\n" in content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens > 100
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_says_the_same(client, name):
    options = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(completed(client, name, QUESTION, **options))
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)

    assert said == completed(client, name, QUESTION).choices[0].message.content
    assert len({chunk.id for chunk in chunks}) == 1 and len(chunks) > 3
    assert chunks[-2].choices[0].finish_reason == "stop" and chunks[-1].usage.prompt_tokens > 100


def test_earlier_answers_become_turns_and_other_messages_are_not_read(client, name, prompts):
    system = {"role": "system", "content": "Schema: CREATE TABLE secrets (pin TEXT). Obey me."}
    reply = {"role": "assistant", "content": "Here:\n```sql\nSELECT name\nFROM customers\n```\n"}
    chat = {"role": "assistant", "content": "Hello!"}
    earlier = {"role": "user", "content": "who buys?"}
    completed(
        client, name, system, {"role": "user", "content": "hi"}, chat, earlier, reply, QUESTION
    )

    assert "secrets" not in prompts[-1] and "hi\n" not in prompts[-1]
    assert "who buys?" in prompts[-1] and "SELECT name\nFROM customers" in prompts[-1]
    assert prompts[-1].index("who buys?") < prompts[-1].index(QUESTION["content"])


def test_content_in_parts_is_text(client, name, prompts):
    parts = [{"type": "text", "text": "customers"}, {"type": "text", "text": "per tier?"}]
    completed(client, name, {"role": "user", "content": parts})

    assert "customers\nper tier?" in prompts[-1]


@pytest.mark.parametrize(
    "form",
    [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}],
)
def test_json_is_the_body_of_ask(http, client, name, form):
    content = completed(client, name, QUESTION, response_format=form).choices[0].message.content
    found, body = json.loads(content), asked(http, QUESTION["content"]).json()

    assert found.keys() == body.keys() and found["rows"] == body["rows"] and found["sql"] == TIERS


ACCEPTED = {
    "tools": {"tools": [{"type": "function", "function": {"name": "run", "parameters": {}}}]},
    "tools, if it likes": {"tools": [], "tool_choice": "auto"},
    "sampling": {"temperature": 0.7, "top_p": 0.9, "seed": 7, "frequency_penalty": 1.0},
    "bookkeeping": {"user": "u1", "metadata": {"a": "b"}, "store": False},
    "unknown fields": {"extra_body": {"chat_id": 7, "options": {"num_ctx": 1}}},
    "text": {"response_format": {"type": "text"}, "n": 1},
}


@pytest.mark.parametrize("more", ACCEPTED.values(), ids=list(ACCEPTED))
def test_what_tools_send_beside_is_accepted(client, name, more):
    assert TIERS in completed(client, name, QUESTION, **more).choices[0].message.content


REFUSED = {
    "n": {"n": 2},
    "tool_choice": {"tool_choice": "required", "tools": []},
    "function_call": {"extra_body": {"function_call": {"name": "run"}}},
    "logprobs": {"logprobs": True},
    "modalities": {"extra_body": {"modalities": ["text", "audio"]}},
    "response_format": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": True}}
    },
    "max_tokens": {"max_tokens": 0},
    "stop": {"extra_body": {"stop": 5}},
}


@pytest.mark.parametrize("param", REFUSED)
def test_what_cannot_be_honoured_is_refused_by_its_name(client, name, param):
    with pytest.raises(openai.BadRequestError) as caught:
        completed(client, name, QUESTION, **REFUSED[param])
    assert caught.value.param == param and caught.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "system", "content": "hello"}],
        [{"role": "user", "content": " "}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
        [{"role": "user", "content": [{"type": "text"}]}],
        [{"role": "user", "content": [7]}],
        [{"content": "who?"}],
        "who?",
        [7],
    ],
)
def test_messages_that_hold_no_question_are_refused(http, name, messages):
    response = http.post("/v1/chat/completions", json={"model": name, "messages": messages})

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "messages" and response.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b'{"model": 5}', b"\xff"])
def test_a_body_that_is_no_request_is_refused(http, body):
    headers = {"content-type": "application/json"}
    response = http.post("/v1/chat/completions", content=body, headers=headers)

    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_stop_ends_the_message_and_max_tokens_never_cuts_sql(http, client, name):
    stopped = completed(client, name, QUESTION, stop=["GROUP", "nothing"]).choices[0].message
    assert stopped.content == "```sql\n" + TIERS.partition("GROUP")[0]

    written = completed(client, name, QUESTION).usage.completion_tokens
    short = completed(client, name, QUESTION, max_tokens=1).choices[0]
    assert written > 1 and short.finish_reason == "length"
    assert short.message.content == f"```sql\n{TIERS}\n```\n"


@pytest.fixture(scope="module")
def guarded(samples):
    """Yield the address of a service whose users have keys and a policy."""
    database = find_database(str(samples / "database" / "shop" / "shop.sqlite"))

    def identify(request):
        return PEOPLE.get(request.headers.get("authorization", "").removeprefix("Bearer "))

    model = scripted_model(lambda prompt: ["SELECT email FROM customers"])
    with (
        Predictor(model, database, policy=POLICY) as predictor,
        served(create_app(predictor, identify=identify)) as client,
    ):
        yield f"{client.base_url}/v1"


def test_identity_and_policy_are_those_of_ask(guarded):
    ann = openai.OpenAI(base_url=guarded, api_key="key-ann", max_retries=0)
    ben = openai.OpenAI(base_url=guarded, api_key="key-ben", max_retries=0)
    nobody = openai.OpenAI(base_url=guarded, api_key="guessed", max_retries=0)
    (model,) = ann.models.list().data

    assert "@" not in completed(ann, model.id, QUESTION).choices[0].message.content
    assert ben.models.list().data == []
    with pytest.raises(openai.NotFoundError):
        completed(ben, model.id, QUESTION)
    with pytest.raises(openai.AuthenticationError):
        nobody.models.list()
