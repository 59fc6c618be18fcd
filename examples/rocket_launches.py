"""Rocket launches: download the list of launches with curl, fetch the picture of each rocket, count the pictures.

The list comes from ``rocket_server.py``, which has to be running: ``python examples/rocket_server.py``. While it is not, the
first task fails and says so. The Variable ``rocket_launches_url`` names another address.
"""

from __future__ import annotations

import json
import urllib.request
from datetime import datetime
from pathlib import Path

from tradewind import DAG, PythonOperator
from tradewind_standard import BashOperator

LAUNCHES = "{{ var.value.get('rocket_launches_url', 'http://127.0.0.1:8765/launches') }}"
FOLDER = "{{ var.value.get('example_folder', '/tmp/tradewind-examples') }}/rockets/{{ ds }}"


def fetch_pictures(folder: str) -> list[str]:
    """Fetch every picture that the downloaded list names."""
    launches = json.loads((Path(folder) / "launches.json").read_text())["results"]
    images = Path(folder) / "images"
    images.mkdir(exist_ok=True)
    for launch in launches:
        target = images / launch["image"].rsplit("/", 1)[1]
        with urllib.request.urlopen(launch["image"], timeout=10) as answer:
            target.write_bytes(answer.read())
        print(f"Fetched {launch['image']} to {target}")
    return [launch["name"] for launch in launches]


with DAG("rocket_launches", schedule="@daily", start_date=datetime(2024, 1, 1), tags=["example"]):
    download_launches = BashOperator(
        task_id="download_launches",
        bash_command=f"mkdir -p '{FOLDER}' && curl --fail --silent --show-error -o '{FOLDER}/launches.json' '{LAUNCHES}'",
    )
    get_pictures = PythonOperator(
        task_id="get_pictures", python_callable=fetch_pictures, op_kwargs={"folder": FOLDER}
    )
    notify = BashOperator(
        task_id="notify", bash_command=f"echo There are $(ls '{FOLDER}/images' | wc -l) pictures now."
    )

    download_launches >> get_pictures >> notify
