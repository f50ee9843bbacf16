// Written by scripts/embed from workflows/drift.yml: change that file, then `make docs`.

extension Embedded {
  static let workflowsDrift = #"""
    # Looks each night whether somebody changed by hand what shipit deploys, and keeps one issue about it: opened with the
    # first change, brought up to date while it lasts, closed after the last.
    #
    # Before the first run: see deploy.yml. Further:
    #   - secrets: one line below for each name that `shipit doctor ENV` asks for, stored in GitHub's environment ENV-drift,
    #     which has no reviewers, for nobody approves at night. Tokens that only read are enough.
    #   - `state` is git or postgres, for a runner keeps nothing.
    # Nothing is changed on any platform. What the issue says of secrets are fingerprints.
    name: Drift
    run-name: Drift of ${{ inputs.environment || 'prod' }}

    on:
      schedule:
        - cron: '23 3 * * *'
      workflow_dispatch:
        inputs:
          environment: {description: "the environment: environments/NAME.yaml", required: true, type: string, default: prod}

    permissions: {}

    jobs:
      drift:
        name: Drift
        runs-on: ubuntu-latest
        timeout-minutes: 15
        permissions:
          contents: write # the git ledger: the key of fingerprints is made by whoever comes first
          issues: write # the one issue
        concurrency:
          group: shipit-${{ inputs.environment || 'prod' }}-drift
          cancel-in-progress: false
        environment:
          name: ${{ inputs.environment || 'prod' }}-drift
          deployment: false
        env:
          RAILWAY_API_TOKEN: ${{ secrets.RAILWAY_API_TOKEN }}
          VERCEL_TOKEN: ${{ secrets.VERCEL_TOKEN }}
        steps:
          - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
            with:
              # The git ledger is read, and its key written once, with these.
              persist-credentials: true
          - name: Drift
            uses: $/.github/actions/shipit
            with:
              command: drift
              environment: ${{ inputs.environment || 'prod' }}
              arguments: --issue
    """#
}
