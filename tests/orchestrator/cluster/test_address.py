"""What is said of an address before Ray's own client is asked."""

import pytest

from model.errors import InputError
from orchestrator.cluster.address import check_answers


@pytest.fixture
def token_mode(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)


def test_a_token_that_is_not_there(token_mode, tmp_path, monkeypatch):
    """Ray's client would end its process with a C++ stack."""
    with pytest.raises(InputError, match=r"~/.ray/auth_token cannot be read \(No such file"):
        check_answers("127.0.0.1:1")
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("\n")
    with pytest.raises(InputError, match=r"~/\.ray/auth_token is empty"):
        check_answers("127.0.0.1:1")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/nonexistent")
    with pytest.raises(InputError, match="/nonexistent cannot be read"):
        check_answers("127.0.0.1:1")


def test_a_token_that_is_there(token_mode, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a" * 64)
    with pytest.raises(InputError, match="no Ray cluster answers at"):
        check_answers("127.0.0.1:1")
