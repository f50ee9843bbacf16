// Written by scripts/embed from workflows/rollback.yml: change that file, then `make docs`.

extension Embedded {
  static let workflowsRollback = #"""
    # Restores the previous good release of an environment, or the one that is named, and proves it.
    # Before the first run: see deploy.yml.
    name: Rollback
    run-name: Roll ${{ inputs.environment }} back

    on:
      workflow_dispatch:
        inputs:
          environment: {description: "the environment: environments/NAME.yaml", required: true, type: string, default: prod}
          to: {description: "the number of the release; default: the good one before the present", required: false, type: string}
          reason: {description: "why; whoever deploys next reads it", required: true, type: string}
      workflow_call:
        inputs:
          environment: {description: "the environment: environments/NAME.yaml", required: true, type: string}
          to: {description: "the number of the release; default: the good one before the present", required: false, type: string}
          reason: {description: "why; whoever deploys next reads it", required: true, type: string}
        outputs:
          result: {description: "restored, mixed, …", value: "${{ jobs.rollback.outputs.result }}"}
          release: {description: "the number of the release", value: "${{ jobs.rollback.outputs.release }}"}
          url: {description: "the address of what goes live last", value: "${{ jobs.rollback.outputs.url }}"}

    permissions: {}

    jobs:
      rollback:
        name: Roll back
        runs-on: ubuntu-latest
        timeout-minutes: 60
        permissions:
          contents: write # the git ledger: refs/shipit/*
          deployments: write # deployments and their states
        # A group of its own: a way back does not wait behind deploys that wait. While one is under way the lease keeps
        # this out, and exit 5 says who has it.
        concurrency:
          group: shipit-${{ inputs.environment }}-rollback
          cancel-in-progress: false
          queue: max
        environment:
          name: ${{ inputs.environment }}
          deployment: false
        outputs:
          result: ${{ steps.rollback.outputs.result }}
          release: ${{ steps.rollback.outputs.release }}
          url: ${{ steps.rollback.outputs.url }}
        env:
          RAILWAY_API_TOKEN: ${{ secrets.RAILWAY_API_TOKEN }}
          VERCEL_TOKEN: ${{ secrets.VERCEL_TOKEN }}
          ENCORE_CLIENT_ID: ${{ secrets.ENCORE_CLIENT_ID }}
          ENCORE_CLIENT_SECRET: ${{ secrets.ENCORE_CLIENT_SECRET }}
        steps:
          - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
            with:
              fetch-depth: 0
              # The git ledger pushes with these.
              persist-credentials: true
          - id: rollback
            name: Roll back
            uses: $/.github/actions/shipit
            with:
              command: rollback
              environment: ${{ inputs.environment }}
              to: ${{ inputs.to }}
              reason: ${{ inputs.reason }}
              arguments: --yes
          - name: Finish
            if: ${{ always() }}
            uses: $/.github/actions/shipit
            with:
              command: finish
              environment: ${{ inputs.environment }}
              arguments: --within=4m
    """#
}
