"""Where published data sets come from: the official page, the files, and their checksums.

    >>> ORIGINS["wikisql"].files[0].sha256[:8]
    '755c728a'

A checksum stands here only where independent parties have published the same one for the official
file: `spider_data.zip` of 2024, and WikiSQL's archive (ParlAI's agents/wikisql task pins it, too).

Not covered: data sets that are handed out behind a form or on a drive without a direct address: for
those there is only the page.
"""

from dataclasses import dataclass

_GITHUB = "https://raw.githubusercontent.com"
_DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
_BIRD = "https://bird-bench.oss-cn-beijing.aliyuncs.com"
_SYN = f"{_GITHUB}/ygan/Spider-Syn/7efaf37d464fbed355b9e680edb3440110532d56/Spider-Syn"
_SQL_EVAL = f"{_GITHUB}/defog-ai/sql-eval/main/data"


@dataclass(frozen=True, slots=True)
class File:
    """A file to fetch."""

    url: str
    name: str  # under which it is kept; archives (.zip, .tar.gz, .tar.bz2) are unpacked
    sha256: str | None = None  # None: not pinned
    strip: int = 0  # leading folders of the archive's paths that are dropped


@dataclass(frozen=True, slots=True)
class Origin:
    """The official place of a data set."""

    page: str
    licence: str
    files: tuple[File, ...] = ()  # none: it cannot be fetched by a program
    holds: str = ""  # what its folder must hold
    beside: str = ""  # what is needed besides


ORIGINS: dict[str, Origin] = {
    "spider": Origin(
        "https://yale-lily.github.io/spider",
        "CC BY-SA 4.0",
        (
            File(
                f"{_DRIVE}1403EGqzIDoHMdQF4c9Bkyl7dZLZ5Wt6J",
                "spider_data.zip",
                "00636695dabed6b5f4b8328a16b13e069a2f16591d5efcce57660669c85b121b",
                strip=1,
            ),
        ),
        "train_spider.json, dev.json, tables.json and database/",
    ),
    "cspider": Origin(
        "https://taolusi.github.io/CSpider-explorer",
        "CC BY-SA 4.0",
        holds="train.json, dev.json, tables.json and database/",
    ),
    "spider-syn": Origin(
        "https://github.com/ygan/Spider-Syn",
        "MIT",
        (
            File(f"{_SYN}/train_spider.json", "train_spider.json"),
            File(f"{_SYN}/dev.json", "dev.json"),
        ),
        "train_spider.json and dev.json",
        "the databases of spider",
    ),
    "spider-dk": Origin(
        "https://github.com/ygan/Spider-DK",
        "MIT",
        (
            File(
                "https://github.com/ygan/Spider-DK/archive/5e16fa1f8cdbb401f3b55d2afb5a7c7435360590.zip",
                "Spider-DK.zip",
                strip=1,
            ),
        ),
        "Spider-DK.json, tables.json and database/",
        "the databases of spider",
    ),
    "spider-realistic": Origin(
        "https://zenodo.org/record/5205322",
        "CC BY-SA 4.0",
        (
            File(
                "https://zenodo.org/record/5205322/files/spider-realistic.json?download=1",
                "spider-realistic.json",
            ),
        ),
        "spider-realistic.json",
        "the databases of spider",
    ),
    "dr-spider": Origin(
        "https://github.com/awslabs/diagnostic-robustness-text-to-sql",
        "CC BY-SA 4.0",
        (
            File(
                "https://github.com/awslabs/diagnostic-robustness-text-to-sql/raw/main/data.tar.gz",
                "data.tar.gz",
            ),
        ),
        "data/ with a folder for each perturbation",
        "the databases of spider",
    ),
    "bird": Origin(
        "https://bird-bench.github.io",
        "CC BY-SA 4.0",
        (File(f"{_BIRD}/dev.zip", "dev.zip"), File(f"{_BIRD}/train.zip", "train.zip")),
        "dev/dev.json, dev/dev_databases/, train/train.json and train/train_databases/",
    ),
    "kaggle-dbqa": Origin(
        "https://github.com/Chia-Hsuan-Lee/KaggleDBQA",
        "CC BY-SA 4.0",
        holds="examples/, KaggleDBQA_tables.json and databases/",
    ),
    "archer": Origin(
        "https://sig4kg.github.io/archer-bench",
        "see its page",
        holds="en_data/, zh_data/ and database/",
    ),
    "wikisql": Origin(
        "https://github.com/salesforce/WikiSQL",
        "BSD-3-Clause",
        (
            File(
                "https://github.com/salesforce/WikiSQL/raw/master/data.tar.bz2",
                "data.tar.bz2",
                "755c728ab188e364575705c8641f3fafd86fb089cb8b08e8c03f01832aae0881",
            ),
        ),
        "data/ with dev.jsonl, dev.tables.jsonl, dev.db ...",
    ),
    "sql-eval": Origin(
        "https://github.com/defog-ai/sql-eval",
        "Apache-2.0",
        tuple(
            File(f"{_SQL_EVAL}/questions_gen_{dialect}.csv", f"questions_gen_{dialect}.csv")
            for dialect in ("postgres", "sqlite")
        ),
        "questions_gen_<dialect>.csv",
        "its databases (https://github.com/defog-ai/defog-data)",
    ),
}
