// Written by scripts/embed from action.yml: change that file, then `make docs`.

extension Embedded {
  static let action = #"""
    # Runs shipit in a job. The same file works at the top of shipit's own repository and as
    # .github/actions/shipit/action.yml of yours, where `shipit init --workflows` puts it.
    #
    # Which shipit runs, the first of these that applies:
    #   1. the release that `version` and `sha256` pin, downloaded from `repository` and compared with that digest
    #      (it stands in SHA256SUMS of the release; `gh attestation verify FILE --repo REPOSITORY` tells who built it);
    #   2. a shipit that is on the runner's PATH already;
    #   3. one built from the source beside this file.
    name: shipit
    description: Take a commit to proven live, or bring it back
    author: shipit
    branding: {icon: anchor, color: blue}

    inputs:
      command: {description: "deploy, rollback, plan, finish or any other command of shipit", default: deploy}
      environment: {description: "an environment: environments/NAME.yaml", required: true}
      commit: {description: "deploy, plan: the revision; default HEAD", default: ""}
      to: {description: "rollback: the number of the release to restore", default: ""}
      reason: {description: "rollback: why; stands in the history", default: ""}
      root: {description: "the directory that holds environments/", default: ""}
      arguments: {description: "further words of the command line, one a line; never secrets", default: ""}
      token:
        description: "tells GitHub about deployments (permission deployments: write); empty: it is not told"
        default: ${{ github.token }}
      repository: {description: "where the release is downloaded from, OWNER/NAME", default: ""}
      version: {description: "the release to download, such as 0.1.0", default: ""}
      sha256: {description: "the digest of its archive for Linux on this runner's machine", default: ""}

    outputs:
      result: {description: "released, restored, rolled-back, unchanged, mixed, in-flight, nothing-to-do, waiting or refused", value: "${{ steps.run.outputs.result }}"}
      exit: {description: "shipit's exit code", value: "${{ steps.run.outputs.exit }}"}
      release: {description: "the number of the release", value: "${{ steps.run.outputs.release }}"}
      commit: {description: "the commit that is live; empty when there are several", value: "${{ steps.run.outputs.commit }}"}
      url: {description: "the address of what goes live last", value: "${{ steps.run.outputs.url }}"}
      urls: {description: "addresses by service, as JSON", value: "${{ steps.run.outputs.urls }}"}
      next: {description: "the command that helps most now", value: "${{ steps.run.outputs.next }}"}

    runs:
      using: composite
      steps:
        - id: get
          name: Get shipit
          shell: bash
          env:
            PIN_REPOSITORY: ${{ inputs.repository }}
            PIN_VERSION: ${{ inputs.version }}
            PIN_SHA256: ${{ inputs.sha256 }}
            ACTION_PATH: ${{ github.action_path }}
          run: |
            set -u
            if [ -n "$PIN_SHA256" ]; then
              name=shipit-$PIN_VERSION-linux-$(uname -m)
              directory=$RUNNER_TEMP/$name
              mkdir -p "$directory"
              curl --fail --silent --show-error --location --proto '=https' --retry 3 --output "$directory.tar.gz" \
                "$GITHUB_SERVER_URL/$PIN_REPOSITORY/releases/download/v$PIN_VERSION/$name.tar.gz"
              printf '%s  %s\n' "$PIN_SHA256" "$directory.tar.gz" | sha256sum --check --strict --quiet
              tar -xzf "$directory.tar.gz" -C "$directory" --strip-components 1
              if ldd "$directory/shipit" | grep -q 'not found'; then
                sudo apt-get update -qq
                sudo apt-get install -qq -y libyaml-0-2 libcurl4 libmicrohttpd12 libsqlite3-0 libssl3 libarchive13 libpq5
              fi
            elif found=$(command -v shipit); then
              directory=$(dirname "$found")
            elif [ -f "$ACTION_PATH/Package.swift" ]; then
              make -C "$ACTION_PATH" build
              directory=$ACTION_PATH/bin
            else
              echo '::error title=shipit::no release is pinned: set repository, version and sha256 in .github/actions/shipit/action.yml'
              exit 2
            fi
            echo "directory=$directory" >> "$GITHUB_OUTPUT"

        - id: run
          name: shipit
          shell: bash
          env:
            SHIPIT_DIRECTORY: ${{ steps.get.outputs.directory }}
            INPUT_COMMAND: ${{ inputs.command }}
            INPUT_ENVIRONMENT: ${{ inputs.environment }}
            INPUT_COMMIT: ${{ inputs.commit }}
            INPUT_TO: ${{ inputs.to }}
            INPUT_REASON: ${{ inputs.reason }}
            INPUT_ROOT: ${{ inputs.root }}
            INPUT_ARGUMENTS: ${{ inputs.arguments }}
            GITHUB_TOKEN: ${{ inputs.token }}
          run: |
            set -u
            # Some commands are two words: rollout tick.
            read -r -a words <<< "$INPUT_COMMAND"
            words+=("$INPUT_ENVIRONMENT")
            if [ -n "$INPUT_COMMIT" ]; then words+=("--commit=$INPUT_COMMIT"); fi
            if [ -n "$INPUT_TO" ]; then words+=("--to=$INPUT_TO"); fi
            if [ -n "$INPUT_REASON" ]; then words+=("--reason=$INPUT_REASON"); fi
            if [ -n "$INPUT_ROOT" ]; then words+=("--root=$INPUT_ROOT"); fi
            while IFS= read -r word; do
              if [ -n "$word" ]; then words+=("$word"); fi
            done <<< "$INPUT_ARGUMENTS"
            PATH=$SHIPIT_DIRECTORY:$PATH
            # The runner's signals reach the process it started and no other: shipit has to be that one.
            exec shipit "${words[@]}"
    """#
}
