"""Weather dashboard: fetch a forecast over HTTP, turn Fahrenheit into Celsius, push the result to a page.

So that it runs anywhere, the first task starts the forecast's server itself, on this machine, for a single request.
"""

from __future__ import annotations

import json
import tempfile
import threading
import urllib.request
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from tradewind import DAG, Variable, task


class ForecastServer(BaseHTTPRequestHandler):
    """Answers ``/2024-07-01`` with the temperatures of seven days, in Fahrenheit."""

    def do_GET(self) -> None:
        first = date.fromisoformat(self.path.strip("/"))
        days = [first + timedelta(days=n) for n in range(7)]
        # A cool spring, a warm summer, and weather that changes from day to day.
        degrees = [78 - abs(day.timetuple().tm_yday - 200) // 4 + day.toordinal() * 7 % 11 for day in days]
        forecast = [
            {"day": str(day), "fahrenheit": degree} for day, degree in zip(days, degrees, strict=True)
        ]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(forecast).encode())

    def log_message(self, format: str, *args: Any) -> None:
        print("forecast server:", format % args)


with DAG("weather_dashboard", schedule="@daily", start_date=datetime(2024, 1, 1), tags=["example"]):

    @task(retries=2, retry_delay=timedelta(seconds=5))
    def fetch_forecast(ds: str) -> list[dict[str, Any]]:
        with HTTPServer(("127.0.0.1", 0), ForecastServer) as server:
            threading.Thread(target=server.handle_request, daemon=True).start()
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/{ds}", timeout=10) as answer:
                forecast: list[dict[str, Any]] = json.load(answer)
        return forecast

    @task
    def to_celsius(forecast: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"day": it["day"], "celsius": round((it["fahrenheit"] - 32) / 1.8, 1)} for it in forecast]

    @task
    def push_to_page(forecast: list[dict[str, Any]]) -> str:
        default = Path(tempfile.gettempdir()) / "tradewind-examples"
        page = Path(Variable.get("example_folder", default=default)) / "weather_dashboard.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        bars = "".join(
            f"<p>{it['day']} <span style='display:inline-block;background:orange;"
            f"width:{max(it['celsius'], 0) * 8:.0f}px'>&nbsp;</span> {it['celsius']} °C</p>"
            for it in forecast
        )
        page.write_text(f"<!doctype html><meta charset='utf-8'><title>Weather</title><h1>Weather</h1>{bars}")
        print("The page is at", page)
        return str(page)

    push_to_page(to_celsius(fetch_forecast()))
