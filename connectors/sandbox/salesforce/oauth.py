"""Signing in: the OAuth token endpoint, the SOAP login that older clients use, and who the user is.

Turns credentials into session tokens kept in the org's file, with the five grants that clients of Chargebee's size
use: password, client_credentials, refresh_token, authorization_code (with a page that agrees at once) and JWT bearer.
Tokens expire; a wrong secret is answered in the words of a real org. Two-factor and IP rules are not emulated.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

from fieldwright.connectors.sandbox.salesforce.errors import Json, RequestRefused
from fieldwright.connectors.sandbox.salesforce.gateway import Reply
from fieldwright.connectors.sandbox.salesforce.org import Org

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns="urn:partner.soap.sforce.com" xmlns:sf="urn:fault.partner.soap.sforce.com"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>{0}</soapenv:Body></soapenv:Envelope>'
)
BAD_LOGIN = "Invalid username, password, security token; or user locked out."


def token(org: Org, form: dict[str, str], headers: dict[str, str], host: str) -> Reply:
    """POST /services/oauth2/token."""
    client_id, client_secret = _client(form, headers)
    known = org.settings["credentials"]
    grant = form.get("grant_type", "")
    if grant != "urn:ietf:params:oauth:grant-type:jwt-bearer" and client_id != known["client_id"]:
        return _refused("invalid_client_id", "client identifier invalid")
    match grant:
        case "password":
            user = _user(org, form.get("username", ""))
            secret_ok = client_secret == known["client_secret"]
            given = form.get("password", "")
            if not secret_ok:
                return _refused("invalid_client", "invalid client credentials")
            if user is None or given not in (user["password"], user["password"] + known["security_token"]):
                return _refused("invalid_grant", "authentication failure")
            return _granted(org, user["user_id"], host)
        case "client_credentials":
            if client_secret != known["client_secret"]:
                return _refused("invalid_client", "invalid client credentials")
            return _granted(org, known["users"][0]["user_id"], host)
        case "refresh_token":
            found = org.storage.one(
                "SELECT user FROM _token WHERE token = ? AND kind = 'refresh'", (form.get("refresh_token", ""),)
            )
            if found is None:
                return _refused("invalid_grant", "expired access/refresh token")
            return _granted(org, found[0], host)
        case "authorization_code":
            return _from_code(org, form, client_secret, host)
        case "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return _from_jwt(org, form.get("assertion", ""), host)
        case _:
            return _refused("unsupported_grant_type", "grant type not supported")


def authorize(org: Org, query: dict[str, str]) -> Reply:
    """GET /services/oauth2/authorize: agrees at once and sends the browser back with a code."""
    if query.get("client_id") != org.settings["credentials"]["client_id"]:
        return _refused("invalid_client_id", "client identifier invalid")
    code = "aPrx" + secrets.token_urlsafe(24)
    user_id = org.settings["credentials"]["users"][0]["user_id"]
    wanted = _user(org, query.get("login_hint", ""))
    _store(org, code, "code", wanted["user_id"] if wanted else user_id, 900, query.get("code_challenge", ""))
    back = {"code": code} | ({"state": query["state"]} if "state" in query else {})
    target = query.get("redirect_uri", "")
    return Reply(302, b"", {"Location": f"{target}{'&' if '?' in target else '?'}{urlencode(back)}"})


def revoke(org: Org, form: dict[str, str]) -> Reply:
    """POST /services/oauth2/revoke."""
    org.storage.execute("DELETE FROM _token WHERE token = ?", (form.get("token", ""),))
    return Reply(200, b"")


def _from_code(org: Org, form: dict[str, str], client_secret: str, host: str) -> Reply:
    code = form.get("code", "")
    found = org.storage.one("SELECT user, expires, detail FROM _token WHERE token = ? AND kind = 'code'", (code,))
    if found is None or found[1] < org.clock.timestamp():
        return _refused("invalid_grant", "expired authorization code")
    challenge = found[2]
    if challenge:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            return _refused("invalid_grant", "invalid code verifier")
    elif client_secret != org.settings["credentials"]["client_secret"]:
        return _refused("invalid_client", "invalid client credentials")
    org.storage.execute("DELETE FROM _token WHERE token = ?", (code,))
    refresh = "5Aep8" + secrets.token_urlsafe(48)
    _store(org, refresh, "refresh", found[0], None)
    return _granted(org, found[0], host, refresh_token=refresh)


def _from_jwt(org: Org, assertion: str, host: str) -> Reply:
    import jwt

    known = org.settings["credentials"]
    key = known.get("jwt_public_key")
    if not key:
        return _refused("invalid_grant", "user hasn't approved this consumer")
    try:
        # The audience is the login host of the real product, which a loopback cannot be; expiry is checked below.
        claims = jwt.decode(assertion, key, algorithms=["RS256"], options={"verify_aud": False, "verify_exp": False})
    except jwt.PyJWTError:
        return _refused("invalid_grant", "invalid assertion")
    user = _user(org, str(claims.get("sub", "")))
    if claims.get("iss") != known["client_id"]:
        return _refused("invalid_client_id", "client identifier invalid")
    if user is None or float(claims.get("exp", 0)) < org.clock.timestamp():
        return _refused("invalid_grant", "expired or unknown assertion")
    return _granted(org, user["user_id"], host)


def _client(form: dict[str, str], headers: dict[str, str]) -> tuple[str, str]:
    given = headers.get("authorization", "")
    if given.lower().startswith("basic "):
        try:
            name, _, secret = base64.b64decode(given[6:]).decode().partition(":")
        except ValueError:
            return "", ""
        return name, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _user(org: Org, username: str) -> Json | None:
    users: list[Json] = org.settings["credentials"]["users"]
    return next((user for user in users if user["username"].lower() == username.lower()), None)


def _store(org: Org, text: str, kind: str, user_id: str, life: float | None, detail: str = "") -> None:
    expires = None if life is None else org.clock.timestamp() + life
    org.storage.execute(
        "INSERT OR REPLACE INTO _token (token, kind, user, expires, detail) VALUES (?, ?, ?, ?, ?)",
        (text, kind, user_id, expires, detail),
    )


def new_session(org: Org, user_id: str) -> str:
    """A fresh session token of the user."""
    session = f"{org.org_id[:15]}!AQ{secrets.token_urlsafe(60)}"
    _store(org, session, "session", user_id, org.settings["token_lifetime"])
    return session


def _granted(org: Org, user_id: str, host: str, **more: str) -> Reply:
    session = new_session(org, user_id)
    issued = str(int(org.clock.timestamp() * 1000))
    return Reply(
        200,
        {
            "access_token": session,
            "signature": base64.b64encode(hashlib.sha256((user_id + issued).encode()).digest()).decode(),
            "scope": "api refresh_token",
            "instance_url": host,
            "id": f"{host}/id/{org.org_id}/{user_id}",
            "token_type": "Bearer",
            "issued_at": issued,
            **more,
        },
    )


def _refused(error: str, description: str) -> Reply:
    return Reply(400, {"error": error, "error_description": description})


def session_user(org: Org, headers: dict[str, str]) -> str:
    """The user behind the Authorization header. Raises 401 INVALID_SESSION_ID."""
    scheme, _, session = headers.get("authorization", "").partition(" ")
    if scheme.lower() not in ("bearer", "oauth") or not session:
        raise RequestRefused(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
    found = org.storage.one("SELECT user, expires FROM _token WHERE token = ? AND kind = 'session'", (session,))
    if found is None or (found[1] is not None and found[1] <= org.clock.timestamp()):
        raise RequestRefused(401, "INVALID_SESSION_ID", "Session expired or invalid")
    return str(found[0])


def identity(org: Org, user_id: str, host: str) -> Json:
    """GET /id/{org}/{user} and /services/oauth2/userinfo."""
    user = org.storage.fetch(org.schema.get("User"), user_id) or {}
    return {
        "sub": f"{host}/id/{org.org_id}/{user_id}",
        "id": f"{host}/id/{org.org_id}/{user_id}",
        "asserted_user": True,
        "user_id": user_id,
        "organization_id": org.org_id,
        "preferred_username": user.get("Username"),
        "username": user.get("Username"),
        "nickname": user.get("Alias"),
        "name": user.get("Name"),
        "display_name": user.get("Name"),
        "email": user.get("Email"),
        "email_verified": True,
        "given_name": user.get("FirstName"),
        "family_name": user.get("LastName"),
        "active": bool(user.get("IsActive")),
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "zoneinfo": "GMT",
        "utcOffset": 0,
        "urls": {
            "rest": f"{host}/services/data/v{{version}}/",
            "sobjects": f"{host}/services/data/v{{version}}/sobjects/",
            "query": f"{host}/services/data/v{{version}}/query/",
        },
    }


def soap_login(org: Org, raw: bytes, host: str, version: str) -> Reply:
    """POST /services/Soap/u/{version}: `login` only."""
    username, password = _soap_credentials(raw)
    user = _user(org, username)
    known = org.settings["credentials"]
    if user is None or password not in (user["password"], user["password"] + known["security_token"]):
        fault = (
            "<soapenv:Fault><faultcode>sf:INVALID_LOGIN</faultcode>"
            f"<faultstring>INVALID_LOGIN: {BAD_LOGIN}</faultstring><detail><sf:LoginFault>"
            f"<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode><sf:exceptionMessage>{BAD_LOGIN}</sf:exceptionMessage>"
            "</sf:LoginFault></detail></soapenv:Fault>"
        )
        return Reply(500, _ENVELOPE.format(fault).encode(), media_type="text/xml;charset=UTF-8")
    session = new_session(org, user["user_id"])
    server = f"{host}/services/Soap/u/{version}/{org.org_id[:15]}"
    result = (
        "<loginResponse><result>"
        f"<metadataServerUrl>{host}/services/Soap/m/{version}/{org.org_id[:15]}</metadataServerUrl>"
        f"<passwordExpired>false</passwordExpired><sandbox>true</sandbox><serverUrl>{server}</serverUrl>"
        f"<sessionId>{session}</sessionId><userId>{user['user_id']}</userId><userInfo>"
        f"<organizationId>{org.org_id}</organizationId><userId>{user['user_id']}</userId>"
        f"<userName>{escape(user['username'])}</userName>"
        f"<sessionSecondsValid>{org.settings['token_lifetime']}</sessionSecondsValid>"
        "</userInfo></result></loginResponse>"
    )
    return Reply(200, _ENVELOPE.format(result).encode(), media_type="text/xml;charset=UTF-8")


def _soap_credentials(raw: bytes) -> tuple[str, str]:
    # A document type could make the parser expand entities without end; a login has none.
    if re.search(rb"<!DOCTYPE|<!ENTITY", raw, re.IGNORECASE):
        return "", ""
    try:
        root = ElementTree.fromstring(raw)
    except ElementTree.ParseError:
        return "", ""
    found: dict[str, str] = {}
    for element in root.iter():
        found.setdefault(element.tag.rpartition("}")[2], element.text or "")
    return found.get("username", ""), found.get("password", "")


def parse_form(raw: bytes) -> dict[str, str]:
    """A form-encoded body."""
    return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))


def ensure_credentials(org: Org, **given: Any) -> Json:
    """The org's credentials, made up at random where neither given nor stored; the given ones are stored."""
    known: Json = {**org.settings["credentials"]}
    made = {
        "client_id": "3MVG9" + secrets.token_urlsafe(30),
        "client_secret": secrets.token_hex(24).upper(),
        "access_token": f"{org.org_id[:15]}!AQ{secrets.token_urlsafe(48)}",
        "refresh_token": "5Aep8" + secrets.token_urlsafe(48),
        "security_token": "",
        "jwt_public_key": None,
        "username": "integration@acme.example",
        "password": secrets.token_urlsafe(12),
    }
    for key, value in made.items():
        known[key] = given[key] if given.get(key) is not None else known.get(key, value)
    users = org.storage.execute('SELECT "Id", "Username" FROM "User" WHERE "IsActive" = 1 ORDER BY "Id"').fetchall()
    org.storage.begin()
    org.storage.execute('UPDATE "User" SET "Username" = ? WHERE "Id" = ?', (known["username"], users[0][0]))
    known["users"] = [
        {
            "username": known["username"] if index == 0 else name,
            "password": known["password"],
            "user_id": user_id,
        }
        for index, (user_id, name) in enumerate(users)
    ]
    org.configure(credentials=known)
    _store(org, known["access_token"], "session", users[0][0], None)
    _store(org, known["refresh_token"], "refresh", users[0][0], None)
    org.storage.commit()
    return known
