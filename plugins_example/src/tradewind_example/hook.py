"""A client of the weather service."""

from __future__ import annotations

from tradewind import BaseHook


class WeatherHook(BaseHook):
    """Asks the weather service that a connection of the type ``weather`` leads to."""

    conn_name_attr = "weather_conn_id"
    default_conn_name = "weather_default"
    conn_type = "weather"
    hook_name = "Weather service"

    def __init__(self, weather_conn_id: str = default_conn_name) -> None:
        self.weather_conn_id = weather_conn_id

    def get_conn(self) -> str:
        """The service's address; a real hook would give a client of it."""
        connection = self.get_connection(self.weather_conn_id)
        station = connection.extra_dejson.get("station", "main")
        return f"http://{connection.host}:{connection.port or 80}/{station}"
