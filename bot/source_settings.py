"""The sources that kotae.toml names: their addresses and headers, which may stand in the environment, and proxies."""

from collections.abc import Iterator, Mapping
from urllib.request import getproxies, proxy_bypass

from bot.config_file import ConfigFile, KnowledgeBaseSection
from handlers.remote.places import Place, Remote, read_header

MINUTE = 60.0


def remotes_of(config: ConfigFile, environ: Mapping[str, str]) -> Mapping[str, Remote]:
    """Return the sources by the names of their sections; those of which something is missing or wrong are left out."""
    return {name: _remote(section, environ) for name, section, why in _sources(config, environ) if not why}


def troubles_of(config: ConfigFile, environ: Mapping[str, str]) -> list[str]:
    """Say what is wrong with sources, by key; no address and no header is quoted."""
    return [f"knowledge_bases.{name}.{why}" for name, _, why in _sources(config, environ) if why]


def edited_at(section: KnowledgeBaseSection, environ: Mapping[str, str]) -> str:
    """Return where people edit a knowledge base that is fetched; blank for one that isn't."""
    if not section.is_fetched:
        return ""
    try:
        return section.edit_url or Place.of(_address(section, environ)).host
    except ValueError:
        return section.edit_url or section.url_env


def proxy_of(host: str) -> str | None:
    """Return the proxy for https that the environment (HTTPS_PROXY, NO_PROXY) or the system names for a host."""
    proxy = None if proxy_bypass(host) else getproxies().get("https")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _sources(config: ConfigFile, environ: Mapping[str, str]) -> Iterator[tuple[str, KnowledgeBaseSection, str]]:
    """Yield each section that is fetched, with what is wrong with it."""
    for name, section in config.knowledge_bases.items():
        if section.is_fetched:
            yield name, section, _trouble(section, environ)


def _trouble(section: KnowledgeBaseSection, environ: Mapping[str, str]) -> str:
    for key, variable in (("url_env", section.url_env), ("header_env", section.header_env)):
        if variable and not environ.get(variable, "").strip():
            return f"{key} = {variable!r}: neither the environment nor .env has {variable}; set it there"
    try:
        Place.of(_address(section, environ))
    except ValueError as error:
        return (
            f"url_env = {section.url_env!r}: what {section.url_env} holds {error}"
            if section.url_env
            else f"url: {error}"
        )
    try:
        _remote(section, environ)
    except ValueError as error:
        return f"header_env = {section.header_env!r}: what {section.header_env} holds {error}"
    return ""


def _remote(section: KnowledgeBaseSection, environ: Mapping[str, str]) -> Remote:
    """Return a source; raises ValueError."""
    header = read_header(environ.get(section.header_env, "")) if section.header_env else None
    return Remote(Place.of(_address(section, environ)), header, section.edit_url, section.poll_minutes * MINUTE)


def _address(section: KnowledgeBaseSection, environ: Mapping[str, str]) -> str:
    return section.url.get_secret_value() if section.url else environ.get(section.url_env, "")
