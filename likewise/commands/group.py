"""The command `likewise`: parse, call, print rows. Each command is glue around `service`.

stdout carries data, stderr everything else. Whatever a command needs is imported when it runs, so
that `likewise --help` and a single query start at once.
"""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

import atexit
import gc
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from embedder.text import counted
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from embedder.data.records import Record
    from embedder.model import Embedder
    from likewise.bulk.job import Job
    from likewise.matcher import AddReport, Matcher
    from likewise.output.rows import Row

SERVING = ("fastapi", "prometheus_client", "pydantic", "starlette", "uvicorn")  # the extra `serve`
TRACEBACK = "LIKEWISE_TRACEBACK"
INTERRUPTED = 130  # what a shell reports of a command that Ctrl-C ended
SHOWN_REASONS = 5
ROWS_AT_ONCE = 256

F = TypeVar("F", bound=Callable[..., Any])

# Python would search all that it holds for cycles before it ends: 30 ms of a query, to free memory
# that the system takes back anyway.
atexit.register(gc.freeze)

# OpenBLAS's threads would wait for work at full speed, 2**26 cycles after each, on cores that ours
# could use: a tenth of a query goes by before they first rest.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")


# ------------------------------------------------------------------ errors


class Commands(click.Group):
    """Turns every error into one line on stderr and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        if sys.stderr is None:  # closed; a file that is opened must not get its number
            sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # click ends these as it should: usage 2, a closed pipe quietly
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except Exception as error:
            if os.environ.get(TRACEBACK):
                raise
            raise click.ClickException(sentence(error)) from error


def sentence(error: Exception) -> str:
    """Say in one line what went wrong."""
    from likewise.output.printable import printable

    return printable(_plain(error))


def _plain(error: Exception) -> str:
    if isinstance(error, (ValueError, LikewiseError)):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return (
        f"Unexpected {type(error).__name__}: {' '.join(str(error).split())}. This is a defect of "
        f"likewise; {TRACEBACK}=1 shows where."
    )


# ------------------------------------------------------------------ options that commands share


class Number(click.FloatRange):
    """A number of a range; `nan`, which every range lets through, and `inf` are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read what was typed."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            expected = f"a finite number in the range {self._describe_range()}"
            self.fail(f"{value} is not {expected}.", param, ctx)
        return number


DISTANCE = Number(min=0)
COST = Number(0, min_open=True)
SHARE = Number(1e-9, 1, max_open=True)  # a smaller one would take billions of pictures
gallery_argument = click.argument("gallery", type=click.Path(path_type=Path))
inputs_argument = click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
split_option = click.option(
    "--split", type=click.Choice(["train", "test"]), help="Part of an input that holds both."
)
neighbours_option = click.option(
    "-k", type=click.IntRange(min=1), default=5, show_default=True, help="Neighbours per picture."
)
format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["jsonl", "csv", "table"]),
    default="jsonl",
    show_default=True,
    help="Of the rows on stdout.",
)
model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="Directory that `likewise train` wrote.  [default: the digits model]",
)


min_margin_option = click.option(
    "--min-margin",
    type=DISTANCE,
    help="Least distance to the runner-up; what is nearer is ambiguous.",
)
at_option = click.option(
    "--at", metavar="NAME", help="Operating point.  [default: the gallery's; see likewise info]"
)
evidence_option = click.option(
    "--evidence",
    is_flag=True,
    help="Add p_value: the share of the calibration's unknowns that come at least as close.",
)


def output_option(endings: str, *, required: bool = False) -> Callable[[F], F]:
    """Give the option -o, whose file's ending must be one of `endings`."""

    def checked(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
        if path is not None and path.suffix.lower() not in endings.split():
            raise click.BadParameter(f"{path} should end in one of {endings}.")
        if path is not None and not path.parent.is_dir():
            raise click.ClickException(
                f"There is no folder {path.parent} to write {path.name} into: make it first."
            )
        return path

    return click.option(
        *("-o", "--output"),
        type=click.Path(path_type=Path, dir_okay=False),
        callback=checked,
        required=required,
        help=f"File to write; its ending says how: {endings}.",
    )


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="likewise")
def main() -> None:
    """Tell which of the groups that you know a picture belongs to, if any.

    An INPUT is a picture, a folder, a zip, a pattern in quotes such as 'scans/**/*.png', a list
    (CSV, JSONL or Parquet with a column path), a data set (IDX, .npz, CSV of pixels; mnist/train
    and mnist/test are built in), or - for paths on stdin.

    \b
    likewise build digits.gallery mnist/train
    likewise query digits.gallery mnist/test/00042
    likewise check digits.gallery scans/ -o rows.csv

    Tab completion: eval "$(_LIKEWISE_COMPLETE=bash_source likewise)" in ~/.bashrc; zsh_source and
    fish_source for the other shells.
    """


# ------------------------------------------------------------------ commands


@main.command()
@click.argument("data", default="mnist/train")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Model to write.")
@click.option("--recipe", type=click.Choice(["default", "tutorial"]), default="default")
@click.option("--network", type=click.Choice(["conv", "dense"]), help="[default: the recipe's]")
@click.option("--epochs", type=click.IntRange(min=1), help="At most so many.")
@click.option("--batch", type=click.IntRange(min=2), help="Pairs or images in a step.")
@click.option("--margin", type=Number(0, 10, min_open=True), help="Of the loss.")
@click.option("--learning-rate", type=Number(0, 1, min_open=True))
@click.option("--seed", type=click.IntRange(min=0), help="Same seed, same model.")
@click.option(
    "--validation",
    type=SHARE,
    help="Share of the pictures to stop and to measure the threshold by.",
)
@click.option("--pairs-per-image", type=click.IntRange(min=1), help="For drawn pairs.")
@click.option(
    "--outliers",
    type=Number(0, 1),
    help="Made pictures of no group in each batch, as a share of it; 0.2 keeps strangers away.",
)
@click.option(
    "--composites",
    type=Number(0, 1),
    help="Pictures of made groups in each batch, as a share; 0.3 prepares for groups to come.",
)
@click.option("--preprocessing", type=click.Choice(["digit", "resize"]), help="How pictures enter.")
@click.option("--test", metavar="DATA", help="Measure the model on these, used for no choice.")
@click.option("--resume", is_flag=True, help="Go on with a training that was cut off.")
@split_option
def train(data: str, out: Path, recipe: str, resume: bool, **settings: Any) -> None:
    """Train a model on labelled pictures, DATA, by default mnist/train.

    Needs TensorFlow: pip install 'likewise[train]'. Of what is not given, the recipe decides.

    \b
    likewise train --out models/digits
    likewise train shoes/ --out models/shoes --epochs 40
    likewise train --recipe tutorial --out models/tutorial
    """
    from likewise.training import teach

    try:
        trained = teach(data, out, recipe, resume=resume, **settings)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("tensorflow", "keras", "matplotlib"):
            raise
        raise click.ClickException(
            "Training needs TensorFlow, which is not installed: pip install 'likewise[train]'"
        ) from error
    note(f"{trained.path}: model {trained.fingerprint}. Now: likewise build GALLERY {data}")


@main.command()
@gallery_argument
@inputs_argument
@model_option
@split_option
def build(gallery: Path, inputs: tuple[str, ...], model: Path | None, split: str | None) -> None:
    """Make a GALLERY of labelled pictures: a folder per label, a list, or a data set.

    \b
    likewise build digits.gallery mnist/train
    likewise build shoes.gallery shoes/ --model models/shoes
    """
    from index.storage.directory import MANIFEST

    go_on = adding(gallery, inputs, split)
    if (gallery / MANIFEST).exists():
        raise click.ClickException(f"{gallery} exists already. Add to it: {go_on}")
    if gallery.exists():
        raise click.ClickException(
            f"{gallery} exists already, and is no gallery: name another place for the new one."
        )
    from embedder.model import Embedder
    from likewise.matcher import Matcher

    records = first_seen(read(inputs, split))
    held = None
    try:
        with Matcher.create(gallery, Embedder.load(model)) as matcher:
            try:
                report = enrol(matcher, records, inputs, split)
            finally:
                held = len(matcher.gallery)
    except BaseException:
        if held:
            note(f"{gallery} has {counted(held, 'reference')} so far. Go on: {go_on}")
        raise
    finally:
        if held == 0:  # so that the corrected command finds its place free
            import shutil

            shutil.rmtree(gallery, ignore_errors=True)
    if report.replaced:
        note(
            f"Warning: {counted(report.replaced, 'picture')} had the id of another one in this "
            "input, and the last of each id was kept. Ids are relative to the folder given: name "
            "the folder above. In a list, give each row an id of its own."
        )


@main.command()
@gallery_argument
@inputs_argument
@click.option("--label", help="Of all these pictures, in place of their own.")
@split_option
def add(gallery: Path, inputs: tuple[str, ...], label: str | None, split: str | None) -> None:
    """Add references to a GALLERY; an id that is there already is replaced.

    What is there unchanged is passed over, so a call that was cut off can be repeated.

    \b
    likewise add digits.gallery more-digits/
    likewise add digits.gallery seven.png --label 7
    """
    from likewise.matcher import Matcher, relabelled

    records = first_seen(read(inputs, split))
    with Matcher.open(gallery) as matcher:
        enrol(matcher, records if label is None else relabelled(records, label), inputs, split)


@main.command()
@gallery_argument
@click.argument("ids", nargs=-1, required=True)
@click.option("--missing-ok", is_flag=True, help="Pass over ids that are not there.")
def remove(gallery: Path, ids: tuple[str, ...], missing_ok: bool) -> None:
    """Remove the references with these IDS from a GALLERY; - reads ids from stdin.

    \b
    likewise remove digits.gallery mnist/train/00017
    """
    from index.gallery import Gallery

    wanted = [id for given in ids for id in (stdin_lines() if given == "-" else [given])]
    with Gallery.open(gallery) as opened:
        missing = [] if missing_ok else [id for id in wanted if id not in opened]
        if missing:
            raise click.ClickException(
                f"{gallery} has no reference {missing[0]!r}"
                f"{f', nor {len(missing) - 1} more of the ids' if len(missing) > 1 else ''}; "
                "nothing was removed. Pass over them with --missing-ok."
            )
        removed = opened.remove(wanted)
        note(f"{removed} removed, {counted(len(opened), 'reference')} in {gallery}.")


@main.command()
@gallery_argument
@click.argument("target", type=click.Path(path_type=Path))
def backup(gallery: Path, target: Path) -> None:
    """Copy a GALLERY to TARGET as it is at this moment, also while it is being written to.

    The copy is a gallery itself. TARGET appears when it is whole and every row of it is proven.

    \b
    likewise backup digits.gallery backups/monday.gallery
    """
    from index.backup import back_up

    state = back_up(gallery, target)
    note(
        f"{counted(state.count, 'reference')} of {gallery}, as of generation {state.generation}, "
        f"in {target}: every row proven."
    )


@main.command()
@gallery_argument
@inputs_argument
@neighbours_option
@format_option
@output_option(".jsonl .csv .parquet")
@click.option("--pictures", is_flag=True, help="Show them in the terminal instead of rows.")
@at_option
@evidence_option
@split_option
def query(
    gallery: Path,
    inputs: tuple[str, ...],
    k: int,
    pictures: bool,
    at: str | None,
    evidence: bool,
    split: str | None,
    **to: Any,
) -> None:
    """Find the nearest references of each picture. Prints one JSON object per picture.

    \b
    likewise query digits.gallery seven.png
    likewise query digits.gallery mnist/test/00042 --pictures
    likewise query digits.gallery scans/ -k 1 -o rows.csv
    """
    if at is not None and not evidence:
        raise click.UsageError("--at says whose --evidence to add: a query decides nothing.")
    with asked(gallery, inputs, split) as (matcher, records):
        from likewise.bulk.stream import query_stream
        from likewise.output.rows import columns as columns_of

        if pictures:
            show(matcher, records, k)
        else:
            rows = query_stream(matcher, records, k=k, at=at, evidence=evidence)
            names = columns_of(matcher.neighbours_of(k), decided=False, evidence=evidence)
            write(rows, names, **to)


@main.command()
@gallery_argument
@inputs_argument
@click.option("--group", metavar="LABEL", help="Ask about one group: is it of this one or not?")
@neighbours_option
@click.option(
    "--threshold",
    type=DISTANCE,
    help="Largest distance that is a match.  [default: the operating point's]",
)
@min_margin_option
@at_option
@evidence_option
@format_option
@output_option(".jsonl .csv .parquet")
@click.option("--resume", is_flag=True, help="With -o: go on with a run that was cut off.")
@split_option
def check(
    gallery: Path,
    inputs: tuple[str, ...],
    format_: str,
    output: Path | None,
    resume: bool,
    split: str | None,
    **options: Any,
) -> None:
    """Decide for each picture which group it belongs to, if any.

    Prints one JSON object per picture: match, no_match, ambiguous, or error for a picture that
    cannot be read. No match is an answer: the exit status is 0.

    Ids and labels stand in a CSV as they are. A spreadsheet may run one that begins with =, +, - or
    @ as a formula: import those columns as text.

    \b
    likewise check digits.gallery scans/ -o rows.csv
    likewise check digits.gallery seven.png --group 7
    find . -name '*.png' | likewise check digits.gallery -
    """
    if options["threshold"] is not None and options["at"] is not None:
        raise click.UsageError("Give --threshold or --at, not both.")
    if resume and output is None:
        raise click.UsageError("--resume needs -o FILE: it goes on with what FILE.partial holds.")
    with asked(gallery, inputs, split) as (matcher, records), progress(inputs, split) as done:
        from likewise.bulk.job import Job
        from likewise.inputs import located

        job = Job(matcher, records, located(inputs), options, done)
        if options["threshold"] is None and (change := matcher.gallery.outdated(options["at"])):
            from likewise.calibration.summary import command

            again = command(str(gallery), *matcher.gallery.point(options["at"]))
            note(f"Warning: {change}. Calibrate again: {again}")
        if output is None:
            write(job.rows(), job.columns, format_=format_, output=None)
        else:
            into_file(job, output, resume)
    before = f"; {job.earlier} were done before" if job.earlier else ""
    if job.summary.total or before:
        note(job.summary.sentence(job.seconds) + before)
    else:
        note("No picture came: nothing was checked.")


@main.command()
@gallery_argument
@click.argument("data", nargs=-1)
@click.option("--fpir", type=SHARE, help="Share of unknowns that are matched, at most.")
@click.option("--fmr", type=SHARE, help="Or of pairs of two groups: for one-to-one comparison.")
@click.option("--cost-false-match", type=COST, help="Or by cost ...")
@click.option("--cost-miss", type=COST, help="... of each error ...")
@click.option("--share-unknown", type=SHARE, help="... and how many queries will be unknown.")
@click.option("--unknown", metavar="DATA", multiple=True, help="Pictures of none of the groups.")
@click.option("--per-group", is_flag=True, help="Own thresholds for groups with enough queries.")
@min_margin_option
@click.option("--name", help="Of the operating point.  [default: such as fpir-0.01]")
@split_option
def calibrate(
    gallery: Path, data: tuple[str, ...], unknown: tuple[str, ...], split: str | None, **wanted: Any
) -> None:
    """Measure the threshold for a wanted error rate; it is the GALLERY's default from then on.

    DATA are labelled pictures that are not in the gallery; each is asked with its own group, and
    as an unknown with its own group left out. Without DATA, the references among each other, which
    is optimistic. Prints what was measured as a JSON object.

    \b
    likewise calibrate digits.gallery mnist/test --fpir 0.01
    likewise calibrate digits.gallery mnist/test --unknown letters/ --fpir 0.01
    likewise calibrate digits.gallery --cost-false-match 10 --cost-miss 1 --share-unknown 0.2
    """
    from likewise.calibration.calibrate import calibrate as measure
    from likewise.calibration.calibrate import wanted_cost
    from likewise.matcher import Matcher
    from likewise.output.rows import json_line

    wanted["cost"] = wanted_cost(
        *(wanted.pop(name) for name in ("cost_false_match", "cost_miss", "share_unknown"))
    )
    if [wanted[rate] for rate in ("fpir", "fmr", "cost")].count(None) != 2:
        raise click.UsageError(
            "Say which error rate is wanted: --fpir 0.01, or --fmr 0.001, or all of "
            "--cost-false-match 10 --cost-miss 1 --share-unknown 0.2."
        )
    given = [read(inputs, split) if inputs else None for inputs in (data, unknown)]
    with Matcher.open(gallery) as matcher, progress((*data, *unknown), split) as done:
        made = measure(matcher, *given, progress=done, **wanted)
    note_unreadable(made.unreadable)
    note("\n".join(made.sentences()))
    data_stream().write(json_line({"name": made.name, **made.point}))


@main.command()
@gallery_argument
@click.argument("data", nargs=-1, required=True)
@click.option("--unknown", metavar="DATA", multiple=True, help="Pictures of none of the groups.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Directory to write.")
@click.option("--at", metavar="NAME", help="Operating point to judge.  [default: check's]")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of all sampling.")
@click.option("--seeds", type=click.IntRange(1, 100), default=5, help="Draws of pairs and queries.")
@click.option("--allow-overlap", is_flag=True, help="Even where pictures were seen before.")
@split_option
def evaluate(
    gallery: Path,
    data: tuple[str, ...],
    unknown: tuple[str, ...],
    out: Path,
    split: str | None,
    **settings: Any,
) -> None:
    """Measure how far the answers of GALLERY can be trusted, on labelled pictures that it has not.

    Writes report.json and report.html, which opens anywhere, into the directory --out.

    \b
    likewise evaluate digits.gallery mnist/test --out report
    likewise evaluate digits.gallery mnist/test --unknown letters/ --out report
    """
    from likewise.evaluation.evaluate import evaluate as measure
    from likewise.matcher import Matcher
    from likewise.report.write import sentences, writable, write_report

    writable(out)
    given = [read(inputs, split) if inputs else None for inputs in (data, unknown)]
    with Matcher.open(gallery) as matcher, progress((*data, *unknown), split) as done:
        evaluation = measure(matcher, given[0] or (), given[1], progress=done, **settings)
        write_report(evaluation, matcher, out)
    note_unreadable(list(evaluation.figures["unreadable"].items()))
    note("\n".join(sentences(evaluation.figures, out)))


@main.command()
@click.argument("first", metavar="IMAGE")
@click.argument("second", metavar="IMAGE")
@click.option("--gallery", type=click.Path(path_type=Path), help="Use its model and threshold.")
@model_option
@at_option
def compare(
    first: str, second: str, gallery: Path | None, model: Path | None, at: str | None
) -> None:
    """Give the distance of two pictures, and whether it is a match.

    \b
    likewise compare seven.png other-seven.png
    likewise compare mnist/test/00000 mnist/test/00017 --gallery digits.gallery
    """
    from likewise.comparison import compare_row
    from likewise.output.rows import json_line

    embedder, threshold = opened_model(gallery, model, at)
    row = compare_row(read([first]), read([second]), embedder, threshold)
    data_stream().write(json_line(row))


@main.command()
@inputs_argument
@output_option(".npy .parquet", required=True)
@click.option("--gallery", type=click.Path(path_type=Path), help="Use its model.")
@model_option
@split_option
def embed(
    inputs: tuple[str, ...],
    output: Path,
    gallery: Path | None,
    model: Path | None,
    split: str | None,
) -> None:
    """Write the embeddings of pictures, one row each, in order.

    A .parquet file has ids and labels too. In a .npy file the row of a picture that cannot be read
    is NaN. Until it is whole the file lies beside under the name OUTPUT.new; after a kill that is
    left, and may be removed.

    \b
    likewise embed scans/ -o vectors.parquet
    likewise embed mnist/test -o vectors.npy --model models/digits
    """
    from likewise.bulk.embeddings import write_embeddings

    embedder, _ = opened_model(gallery, model)
    with progress(inputs, split) as done:
        report = write_embeddings(embedder, read(inputs, split), output, progress=done)
    note_unreadable(report.unreadable)
    rows = counted(report.rows, "row")
    note(f"{rows} of {counted(embedder.dim, 'number')} in {output}.")


@main.command()
@gallery_argument
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def info(gallery: Path, format_: str) -> None:
    """Tell what a GALLERY holds: references, groups, model, thresholds, sizes on disk.

    \b
    likewise info digits.gallery
    likewise info digits.gallery --format json
    """
    from likewise.inspection.info import describe, text
    from likewise.matcher import Matcher
    from likewise.output.rows import json_line

    with Matcher.open(gallery) as matcher:
        described = describe(matcher)
    if format_ == "json":
        data_stream().write(json_line(described))
    else:
        click.echo(text(described))


@main.command()
@gallery_argument
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.pass_context
def doctor(ctx: click.Context, gallery: Path, format_: str) -> None:
    """Examine a GALLERY: is it whole, and do its references make sense?

    Exit status 1 when something is broken, 0 when there is only advice.

    \b
    likewise doctor digits.gallery
    likewise doctor digits.gallery --format json
    """
    from likewise.inspection.health import examined, text
    from likewise.output.rows import json_line

    with progress_bar(None) as done:
        found = examined(gallery, done)
    if format_ == "json":
        data_stream().write(json_line(found.described()))
    else:
        click.echo(text(found, str(gallery)))
    ctx.exit(1 if found.broken else 0)


@main.command()
@gallery_argument
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one."
)
@click.option(
    "--keys",
    type=click.Path(path_type=Path),
    help="File of lines `read KEY` and `write KEY`; without keys only this machine is answered.",
)
@click.option("--read-only", is_flag=True, help="Refuse every change.")
@click.option(
    "--jobs",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for large uploads and their results.  [default: GALLERY.jobs]",
)
@click.option("--max-bytes", type=click.IntRange(min=1), help="Of a request.  [default: 64 MiB]")
@click.option(
    "--max-pixels",
    type=click.IntRange(1, 89_478_485),
    help="Of a picture, width times height.  [default: 40 million]",
)
@click.option("--max-images", type=click.IntRange(min=1), help="In a request.  [default: 2000]")
@click.option(
    "--max-in-flight", type=click.IntRange(min=1), help="Requests at a time.  [default: 256]"
)
@click.option(
    "--timeout",
    type=Number(0, min_open=True),
    help="Seconds that a request may take.  [default: 30]",
)
@click.option("--max-upload", type=click.IntRange(min=1), help="Of a job.  [default: 1 GiB]")
@click.option("--max-jobs", type=click.IntRange(min=1), help="That may wait.  [default: 32]")
@click.option(
    "--keep-jobs",
    type=Number(min=0),
    help="Seconds for which a finished job is kept.  [default: a week]",
)
@click.option(
    "--log-all",
    is_flag=True,
    help="Log every request, not only changes, refusals, failures and slow ones.",
)
def serve(gallery: Path, host: str, port: int, keys: Path | None, **given: Any) -> None:
    """Answer over HTTP about GALLERY, for programs and, as a page, for people.

    Needs a web server: pip install 'likewise[serve]'. Keys may also stand, separated by commas, in
    LIKEWISE_READ_KEYS and LIKEWISE_WRITE_KEYS.

    \b
    likewise serve digits.gallery
    likewise serve digits.gallery --host 0.0.0.0 --keys keys.txt
    """
    try:
        from likewise.server.auth import read_keys
        from likewise.server.run import serve as run
        from likewise.server.settings import Settings
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in SERVING:
            raise
        raise click.ClickException(
            "Serving needs a web server, which is not installed: pip install 'likewise[serve]'"
        ) from error
    limits = {name: value for name, value in given.items() if value is not None}
    settings = Settings(keys=read_keys(keys, os.environ), **limits)
    run(gallery, settings, host=host, port=port, tell=note)


@main.command()
@click.argument("gallery", type=click.Path(path_type=Path), default="digits.gallery")
def demo(gallery: Path) -> None:
    """Show it all on real digits, in GALLERY, by default digits.gallery.

    \b
    likewise demo
    """
    from likewise.demo.walkthrough import Terminal, demonstrate

    def track(records: Iterable[Record], total: int) -> Iterator[Record]:
        with progress_bar(total) as done:
            for record in records:
                yield record
                done(1)

    for line in demonstrate(gallery, Terminal(columns(), has_colour()), track):
        click.echo(line)


# ------------------------------------------------------------------ reading


def read(inputs: Iterable[str], split: str | None = None) -> Iterator[Record]:
    """Stream the pictures of all inputs; a misspelt one fails at once."""
    from likewise.inputs import read_inputs

    return read_inputs(inputs, stdin_lines(), split=split)


@contextmanager
def asked(
    gallery: Path, inputs: Iterable[str], split: str | None
) -> Iterator[tuple[Matcher, Iterator[Record]]]:
    """Open a gallery to ask about pictures.

    Its vectors are read by a thread while the rest is imported: a tenth of a single query.
    """
    with ExitStack() as stack:
        with uncollected():
            from index.gallery import Gallery

            opened = stack.enter_context(Gallery.open(gallery))
            opened.warm_ahead()
            from likewise.matcher import Matcher

        yield Matcher.of(opened), read(inputs, split)


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no cycles among what imports make, as all of it stays: a twentieth of a query."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def stdin_lines() -> Iterator[str]:
    """Stream the lines of stdin; any bytes may be in a path."""
    for line in sys.stdin.buffer:
        yield os.fsdecode(line.rstrip(b"\r\n"))


def first_seen(records: Iterator[Record]) -> Iterator[Record]:
    """Draw the first record now, so that useless input fails before anything is made of it."""
    from itertools import chain

    first = list(islice(records, 1))
    if not first:
        raise click.ClickException("The input holds no picture: nothing was done.")
    return chain(first, records)


def opened_model(
    gallery: Path | None, model: Path | None, at: str | None = None
) -> tuple[Embedder, float | None]:
    """Load the model of a gallery, or a model, and the threshold for pairs."""
    if gallery is not None and model is not None:
        raise click.UsageError("Give --gallery or --model, not both.")
    if gallery is None and at is not None:
        raise click.UsageError("--at names an operating point of a --gallery.")
    from embedder.model import Embedder
    from likewise.comparison import pair_point
    from likewise.matcher import Matcher

    if gallery is None:
        embedder = Embedder.load(model)
        points = embedder.operating_points
        return embedder, float(points["eer"]["threshold"]) if points else None
    with Matcher.open(gallery) as matcher:
        point = pair_point(matcher.gallery, at)
        return matcher.embedder, matcher.gallery.rule(point).limits.threshold


# ------------------------------------------------------------------ writing


def data_stream() -> BinaryIO:
    """Give stdout for data: bytes, so that it is UTF-8 whatever the terminal's language."""
    if sys.stdout is None:
        raise click.ClickException("stdout is closed: leave it open, there is something to print.")
    return sys.stdout.buffer


def note(text: str) -> None:
    """Tell the user something that is no data, in one line or several."""
    from likewise.output.printable import printable

    click.echo("\n".join(map(printable, text.split("\n"))), err=True)


def note_unreadable(unreadable: list[tuple[str, str]]) -> None:
    """Name the first few pictures that could not be read."""
    from likewise.output.printable import printable

    for id, reason in unreadable[:SHOWN_REASONS]:
        note(f"unreadable: {printable(id)}: {reason}")
    if len(unreadable) > SHOWN_REASONS:
        note(f"unreadable: {len(unreadable) - SHOWN_REASONS} more")


def write(rows: Iterator[Row], names: list[str], *, format_: str, output: Path | None) -> None:
    """Write rows with these columns to a file, or to stdout as they come."""
    from index.storage.files import written
    from likewise.output.rows import together
    from likewise.output.writers import write_file, writer

    if output is not None:
        write_file(output, rows, names)
        return
    stream = data_stream()
    to = writer(format_, stream, names)
    with written("stdout"):
        for some in together(rows, ROWS_AT_ONCE):
            to.write(some)
            stream.flush()
        to.close()
        stream.flush()


def into_file(job: Job, output: Path, resume: bool) -> None:
    """Run a job into a file; after Ctrl-C or on a full disk say how to go on."""
    kept = f"What is done is kept in {output}.partial: go on with --resume."
    try:
        job.into(output, resume=resume)
    except KeyboardInterrupt:
        note(f"Interrupted. {kept}")
        click.get_current_context().exit(INTERRUPTED)
    except OSError:
        if job.earlier or job.summary.total:
            note(kept)
        raise


def adding(gallery: Path, inputs: tuple[str, ...], split: str | None) -> str:
    """Spell out the command that adds inputs to a gallery."""
    from shlex import join

    words = ["likewise", "add", str(gallery), *inputs]
    return join(words if split is None else [*words, "--split", split])


def enrol(
    matcher: Matcher, records: Iterable[Record], inputs: tuple[str, ...], split: str | None
) -> AddReport:
    """Add records to a gallery and tell what became of them."""
    with progress(inputs, split) as done:
        report: AddReport = matcher.add(records, progress=done)
    note_unreadable(report.unreadable)
    note(
        f"{report.added} added, {report.replaced} replaced, {report.unchanged} unchanged, "
        f"{len(report.unreadable)} unreadable; {counted(len(matcher.gallery), 'reference')} of "
        f"{counted(matcher.gallery.count_groups(), 'group')} in {matcher.gallery.path}."
    )
    if report.total == len(report.unreadable):
        raise click.ClickException("No picture could be read: nothing was added.")
    return report


def show(matcher: Matcher, records: Iterator[Record], k: int) -> None:
    """Draw each query beside its nearest references."""
    from embedder.errors import ImageError
    from likewise.commands.neighbours import show_neighbours

    for record in records:
        try:
            picture = record.pixels()
        except ImageError as error:
            note_unreadable([(record.id, str(error))])
            continue
        nearest = matcher.query([picture], k)[0]
        lines = show_neighbours(
            matcher, picture, record.id, nearest, columns=columns(), colour=has_colour()
        )
        click.echo("\n".join(lines) + "\n")


# ------------------------------------------------------------------ the terminal


@contextmanager
def progress(inputs: tuple[str, ...], split: str | None) -> Iterator[Callable[[int], object]]:
    """Show how many pictures are done, how fast, and the time left where the total is known."""
    from likewise.inputs import count_inputs

    with progress_bar(count_inputs(inputs, split=split)) as done:
        yield done


@contextmanager
def progress_bar(total: int | None) -> Iterator[Callable[[int], object]]:
    """Show a bar on stderr once the work takes longer than a second; in a log, seldom."""
    from tqdm import tqdm

    every = 0.1 if sys.stderr.isatty() else 10.0
    with tqdm(
        total=total, unit=" pictures", delay=1.0, mininterval=every, leave=False, file=sys.stderr
    ) as bar:
        yield bar.update


def columns() -> int:
    """Give the width of the terminal."""
    import shutil

    return shutil.get_terminal_size().columns


def has_colour() -> bool:
    """Tell whether to use colour: on a terminal, unless NO_COLOR is set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
