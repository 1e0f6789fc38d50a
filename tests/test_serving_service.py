"""A service from a file: several models and databases, and a new file without a restart."""

import gc
import json
import os
import shutil
import signal
from contextlib import closing, suppress

import pytest
import torch
from peft import LoraConfig, get_peft_model
from serving import asked, served
from transformers import AutoModelForCausalLM

from text2sql.bases import find_base, mini
from text2sql.bases.loading import load_tokenizer
from text2sql.errors import DatabaseError, ModelError, PolicyError, SettingsError, UnknownName
from text2sql.prompting.card import write_card
from text2sql.serving import create_app
from text2sql.serving.engines import Joined, Question
from text2sql.serving.identity import hash_key
from text2sql.serving.service import Service
from text2sql.serving.settings import read_service

FILE = """
models:
  plain: mini
  tuned: {base: mini, adapter: tuned}
databases:
  shop: {url: shop.sqlite, policy: policy.yaml}
  clinic: clinic.sqlite
identity:
  keys:
    - {name: ann, key: "%s", user: {role: buyer, tier: gold, tenants: [3, "3"]}}
limits: {requests_per_minute: 1000, workers: 2}
"""
KEY = "t2s_a-key-of-a-test"
POLICY = "roles: {buyer: {tables: {customers: {rows: 'tier = {{ user.tier }}'}, orders: all}}}\n"
QUESTION = "How many customers are there?"


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    """Return the folder of an adapter on mini that changes nothing."""
    folder = tmp_path_factory.mktemp("adapter") / "tuned"
    model = AutoModelForCausalLM.from_pretrained(mini.folder())
    get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(folder)
    base = find_base("mini")
    write_card(folder, base=base, tokenizer=load_tokenizer(base), style=base.style, language="en")
    return folder


@pytest.fixture
def place(tmp_path, samples, adapter):
    """Return a folder with the file of a service and what it names."""
    for name in ("shop", "clinic"):
        shutil.copy(samples / "database" / name / f"{name}.sqlite", tmp_path)
    shutil.copytree(adapter, tmp_path / "tuned")
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "service.yaml").write_text(FILE % hash_key(KEY))
    return tmp_path


def changed(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    os.utime(path, ns=(1, 1))


def test_the_file_says_what_there_is_with_paths_from_its_folder(place, monkeypatch):
    monkeypatch.chdir("/")
    settings = read_service(place / "service.yaml")

    assert settings.databases["shop"].path == place / "shop.sqlite"
    assert settings.models["tuned"].adapter == str(place / "tuned")
    assert settings.identity.keys[0].user["tenants"] == [3, "3"]
    assert settings.limits.workers == 2 and place / "policy.yaml" in settings.files


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("limits: {requests", "limits: {request", "service.yaml:11: unknown key.*requests_per"),
        ("base: mini", "bsae: mini", r"service.yaml:4: unknown key 'models.tuned.bsae'"),
        ("workers: 2", "workers: 0", r"service.yaml:11: 'limits.workers'"),
        (
            "tier: gold",
            "tier: gold}, xyz: {a: b",
            r"unknown key 'identity.keys.0.xyz'.*known: name",
        ),
        ("models:\n", "modles:\n", "unknown key 'modles'.*models"),
    ],
)
def test_a_wrong_key_is_named_with_its_line(place, old, new, complaint):
    changed(place / "service.yaml", old, new)
    with pytest.raises(SettingsError, match=complaint):
        read_service(place / "service.yaml")


def test_a_database_that_is_not_there_is_one_line(place):
    (place / "clinic.sqlite").unlink()
    with pytest.raises(DatabaseError, match="no such file"):
        read_service(place / "service.yaml")


def test_models_and_databases_are_asked_by_name_under_the_policy(place):
    service = Service(lambda: read_service(place / "service.yaml"))
    with served(create_app(service)) as client:
        loading = asked_as(client, QUESTION)
        service.open()
        first = asked_as(client, QUESTION).json()
        other = asked_as(client, "How many patients are there?", database="clinic", model="tuned")
        unknown = asked_as(client, QUESTION, database="clinc")
        nobody = asked(client, QUESTION)
    service.close()

    assert loading.status_code == 503 and loading.json()["error"]["type"] == "loading"
    assert (first["model"], first["database"]) == ("plain", "shop")
    assert first["rows"][0][0] < 400 and "gold" in first["kept_back"][0]
    assert other.json()["sql"] and other.json()["database"] == "clinic"
    assert unknown.status_code == 404 and "did you mean 'clinic'?" in unknown.text
    assert nobody.status_code == 401 and nobody.headers["www-authenticate"] == "Bearer"


def asked_as(client, question, **more):
    headers = {"Authorization": f"Bearer {KEY}"}
    return client.post("/v1/ask", json={"question": question, **more}, headers=headers)


def test_adapters_on_one_base_have_one_copy_of_its_weights(place):
    service = Service(lambda: read_service(place / "service.yaml"))
    service.open()
    plain, tuned = (service.find(name).model.backend.model for name in ("plain", "tuned"))

    assert plain.weights is tuned.weights
    assert torch.equal(
        plain(input_ids=torch.arange(9)[None]).logits, tuned(input_ids=torch.arange(9)[None]).logits
    )
    service.close()


def test_a_new_file_is_served_and_what_it_leaves_as_it_is_stays_open(place):
    service = Service(lambda: read_service(place / "service.yaml"))
    service.open()
    shop, clinic = service.find("plain", "shop"), service.find("plain", "clinic")
    changed(place / "policy.yaml", "orders: all", "products: all")
    changed(place / "service.yaml", "  tuned: {base: mini, adapter: tuned}\n", "")
    service.reload()
    user = {"role": "buyer", "tier": "gold"}

    assert service.find("plain", "clinic") is clinic
    assert service.find("plain", "shop") is not shop and service.find().model is shop.model
    assert {t.name for t in service.find().view(user).schema.tables} == {"customers", "products"}
    with pytest.raises(UnknownName, match="no model 'tuned'"):
        service.find("tuned")
    service.close()


def test_a_wrong_new_file_is_refused_and_the_old_one_goes_on(place):
    service = Service(lambda: read_service(place / "service.yaml"))
    service.open()
    before = service.find()
    file, policy = (place / "service.yaml").read_text(), (place / "policy.yaml").read_text()
    wrong = [
        ("policy.yaml", "roles: {buyer: {tabels: {}}}", PolicyError),
        ("service.yaml", file.replace("adapter: tuned", "adapter: gone"), Exception),
        ("service.yaml", "models: [", SettingsError),
        ("service.yaml", file[: file.index("identity:")], PolicyError),
    ]
    for name, text, error in wrong:
        (place / name).write_text(text)
        with pytest.raises(error):
            service.reload()
        assert service.find() is before and service.identify is not None
        (place / "policy.yaml").write_text(policy)
    assert before.predict(QUESTION, user={"role": "buyer", "tier": "gold"}).error is None
    service.close()


def test_a_model_that_a_new_file_drops_answers_what_it_was_asked_before(place):
    service = Service(lambda: read_service(place / "service.yaml"))
    service.open()
    user = {"role": "buyer", "tier": "gold"}
    with service.asking("tuned", user=user) as predictor:
        changed(place / "service.yaml", "  tuned: {base: mini, adapter: tuned}\n", "")
        service.reload()
        answer = predictor.predict(QUESTION, user=user)
        weights = predictor.model.backend.model.weights

    assert answer.error is None and answer.rows
    assert predictor.model.backend.model is None  # closed when it was given back
    del predictor
    gc.collect()
    service.find("plain").predict(QUESTION, user=user)
    assert not hasattr(weights._model, "peft_config")
    service.close()


def test_what_a_user_sees_of_the_schema_is_under_the_policy(place):
    service = Service(lambda: read_service(place / "service.yaml"))
    service.open()
    with served(create_app(service), Authorization=f"Bearer {KEY}") as client:
        schema = client.get("/v1/schema", params={"style": "compact"}).json()
        seen = client.get("/v1/databases").json()["databases"]
        wrong = client.post("/v1/sql/validate", json={"sql": "SELECT * FROM payments"}).json()
        right = client.post("/v1/sql/validate", json={"sql": "SELECT count(*) FROM customers"})
    service.close()

    assert {table["name"] for table in schema["tables"]} == {"customers", "orders"}
    assert "payments" not in json.dumps(schema) and "customers(" in schema["text"]
    assert seen == ["shop", "clinic"]
    assert not wrong["valid"] and "known: customers, orders" in wrong["fault"]["message"]
    assert right.json()["valid"] and "'gold'" in right.json()["rewritten"]


def test_models_in_a_process_of_their_own_answer_the_same_and_outlive_it(place):
    user = {"role": "buyer", "tier": "gold"}
    here = Service(lambda: read_service(place / "service.yaml"))
    apart = Service(lambda: read_service(place / "service.yaml"), apart=True)
    with closing(here), closing(apart):
        here.open()
        apart.open()
        answers = [
            Joined().predict(service.find(name), Question(QUESTION), user=user, gone=bool)
            for service in (here, apart)
            for name in ("plain", "tuned")
        ]
        pid = apart.model_pid
        os.kill(pid, signal.SIGKILL)
        with suppress(ModelError):  # where the death is noticed in the middle of it
            apart.find().predict(QUESTION, user=user)
        again = apart.find("tuned").predict(QUESTION, user=user)

        assert here.model_pid is None and apart.model_pid not in (None, pid)
        assert {(a.sql, tuple(a.rows[0])) for a in (*answers, again)} == {
            (answers[0].sql, tuple(answers[0].rows[0]))
        }
