// Written by scripts/embed from workflows/preview.yml: change that file, then `make docs`.

extension Embedded {
  static let workflowsPreview = #"""
    # A preview for each pull request, and one comment that says where it answers and what a deploy would change.
    #
    # Before the first run:
    #   - .github/actions/shipit/action.yml: set repository, version and sha256 of the release of shipit to run;
    #   - SHIPIT_BASE below: the environment whose previews they are;
    #   - the ledger: `state: git` or `state: {postgres: …}`, for a runner keeps nothing;
    #   - GitHub's environment `preview`: the tokens of the platforms, and one line below for each secret that `preview:` of
    #     the environment file names. None of production's.
    #
    # A pull request from a fork gets no secrets: it has the plan, on the page of its run.
    name: Preview
    run-name: "Preview of #${{ github.event.number }}"

    on:
      pull_request:
        types: [opened, reopened, synchronize, closed]

    permissions: {}

    env:
      SHIPIT_BASE: prod

    jobs:
      # By what the ledger recorded last, without any credentials of the platforms: it executes nothing.
      plan:
        name: Plan
        if: ${{ github.event.action != 'closed' }}
        runs-on: ubuntu-latest
        timeout-minutes: 15
        permissions:
          contents: read # the git ledger: refs/shipit/*
          pull-requests: write # the comment
        concurrency:
          group: shipit-preview-${{ github.event.number }}-plan
          cancel-in-progress: true
        steps:
          - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
            with:
              ref: ${{ github.event.pull_request.head.sha }}
              fetch-depth: 0
              # The git ledger is fetched with these.
              persist-credentials: true
          - name: Plan
            uses: $/.github/actions/shipit
            with:
              command: preview
              environment: ${{ env.SHIPIT_BASE }}
              arguments: |
                --plan
                --pull-request=${{ github.event.number }}

      preview:
        name: Preview
        needs: plan
        # Also when the plan could not be made, as before the first release of all.
        if: >-
          ${{ !cancelled() && github.event.action != 'closed'
          && github.event.pull_request.head.repo.full_name == github.repository }}
        runs-on: ubuntu-latest
        timeout-minutes: 60
        permissions:
          contents: write # the git ledger: refs/shipit/*
          deployments: write # deployments and their states
          pull-requests: write # the comment
        concurrency:
          group: shipit-preview-${{ github.event.number }}
          cancel-in-progress: false
          queue: max
        environment:
          name: preview
          # shipit tells GitHub about the deployment itself.
          deployment: false
        outputs:
          url: ${{ steps.preview.outputs.url }}
          urls: ${{ steps.preview.outputs.urls }}
        env:
          RAILWAY_API_TOKEN: ${{ secrets.RAILWAY_API_TOKEN }}
          VERCEL_TOKEN: ${{ secrets.VERCEL_TOKEN }}
        steps:
          - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
            with:
              ref: ${{ github.event.pull_request.head.sha }}
              fetch-depth: 0
              # The git ledger pushes with these.
              persist-credentials: true
          - id: preview
            name: Preview
            uses: $/.github/actions/shipit
            with:
              command: preview
              environment: ${{ env.SHIPIT_BASE }}
              arguments: |
                --pull-request=${{ github.event.number }}
                --yes

      delete:
        name: Delete
        if: >-
          ${{ github.event.action == 'closed'
          && github.event.pull_request.head.repo.full_name == github.repository }}
        runs-on: ubuntu-latest
        timeout-minutes: 15
        permissions:
          contents: write # the git ledger: refs/shipit/*
          deployments: write # deployments and their states
          pull-requests: write # the comment
        # After a preview that is still being made.
        concurrency:
          group: shipit-preview-${{ github.event.number }}
          cancel-in-progress: false
          queue: max
        environment:
          name: preview
          deployment: false
        env:
          RAILWAY_API_TOKEN: ${{ secrets.RAILWAY_API_TOKEN }}
          VERCEL_TOKEN: ${{ secrets.VERCEL_TOKEN }}
        steps:
          - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
            with:
              ref: ${{ github.event.pull_request.head.sha }}
              fetch-depth: 0
              # The git ledger pushes with these.
              persist-credentials: true
          - name: Delete
            uses: $/.github/actions/shipit
            with:
              command: preview
              environment: ${{ env.SHIPIT_BASE }}
              arguments: |
                --pull-request=${{ github.event.number }}
                --delete
                --yes
    """#
}
