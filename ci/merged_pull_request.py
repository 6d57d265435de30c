#!/usr/bin/env python3
"""Prints the number of the pull request that the commit of this job was merged by; nothing where there is none

The server is asked, since the message of a commit says whatever its author likes. Only Python's own library: a job has nothing else.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token is for this server alone"""

    def redirect_request(self, *_):
        return None


def pull_requests():
    sha, repository = os.environ["GITHUB_SHA"], os.environ["GITHUB_REPOSITORY"]
    if not re.fullmatch("[0-9a-f]{40,64}", sha) or not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(f"{repository!r} and {sha!r} are no repository and commit")
    url = f"{os.environ['GITHUB_API_URL']}/repos/{repository}/commits/{sha}/pulls"
    headers = {"Authorization": f"Bearer {os.environ['GH_TOKEN']}", "Accept": "application/vnd.github+json"}
    opener = urllib.request.build_opener(NoRedirect)
    with opener.open(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        found = json.load(answer)
    # Pull requests that merely contain the commit are listed too.
    return [int(pull["number"]) for pull in found if pull["merged_at"] and pull["merge_commit_sha"] == sha]


def main():
    try:
        numbers = pull_requests()
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"error: failed to tell which pull request was merged: {error}")
    if len(numbers) > 1:
        sys.exit(f"error: failed to tell which pull request was merged: it could be any of {numbers}")
    print(*numbers)


if __name__ == "__main__":
    main()
