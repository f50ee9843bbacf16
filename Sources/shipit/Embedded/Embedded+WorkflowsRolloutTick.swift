// Written by scripts/embed from workflows/rollout-tick.yml: change that file, then `make docs`.

extension Embedded {
  static let workflowsRolloutTick = #"""
    # Does one round of every rollout of an environment, on a schedule: reads what is due, fills in what was missed, and
    # raises, pauses or switches off.
    #
    # Before the first run: see deploy.yml. Further:
    #   - secrets: one line below for each name under `rollouts` of the environment file;
    #   - no reviewers on GitHub's environment ENV: a round asks nobody, and a step that a person must release is released
    #     with `shipit rollout approve`.
    # A job that fails calls a person: 7 the flag went off, 8 the code has to go back too, 9 it pauses for a person, 13 the
    # metric store cannot be read.
    name: Rollout tick
    run-name: Rollout tick of ${{ inputs.environment || 'prod' }}

    on:
      # GitHub starts schedules late under load, or leaves one out: the next round fills in what was missed.
      schedule:
        - cron: '*/5 * * * *'
      workflow_dispatch:
        inputs:
          environment: {description: "the environment: environments/NAME.yaml", required: true, type: string, default: prod}

    permissions: {}

    jobs:
      tick:
        name: Tick
        runs-on: ubuntu-latest
        timeout-minutes: 15
        permissions:
          contents: write # the git ledger: refs/shipit/*
          deployments: write # how far the flag is, on the deployment of its release
        # Two rounds at a time do no harm; the one that comes second would only find the lease held.
        concurrency:
          group: shipit-${{ inputs.environment || 'prod' }}-rollout
          cancel-in-progress: false
        environment:
          name: ${{ inputs.environment || 'prod' }}
          deployment: false
        env:
          LAUNCHDARKLY_TOKEN: ${{ secrets.LAUNCHDARKLY_TOKEN }}
          PROMETHEUS_TOKEN: ${{ secrets.PROMETHEUS_TOKEN }}
        steps:
          - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
            with:
              # The git ledger pushes with these.
              persist-credentials: true
          - id: tick
            name: Tick
            uses: $/.github/actions/shipit
            with:
              command: rollout tick
              environment: ${{ inputs.environment || 'prod' }}
    """#
}
