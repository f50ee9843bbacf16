// Written by scripts/embed from workflows/deploy.yml: change that file, then `make docs`.

extension Embedded {
  static let workflowsDeploy = #"""
    # Deploys a commit to an environment and proves it, or puts everything back.
    #
    # Before the first run:
    #   - .github/actions/shipit/action.yml: set repository, version and sha256 of the release of shipit to run;
    #   - the ledger: `state: git` or `state: {postgres: …}`, for a runner keeps nothing;
    #   - secrets: one line below for each name that `shipit doctor ENV` asks for, stored in GitHub's environment ENV;
    #   - approval of the commit, before anything is planned: required reviewers on GitHub's environment ENV-approval, and
    #     none on ENV itself; approval of the plan: `protect.approval` of the environment file. Either, or both.
    name: Deploy
    run-name: Deploy ${{ inputs.commit || github.sha }} to ${{ inputs.environment }}

    on:
      workflow_dispatch:
        inputs:
          environment: {description: "the environment: environments/NAME.yaml", required: true, type: string, default: prod}
          commit: {description: "the commit; default: the branch's newest", required: false, type: string}
      workflow_call:
        inputs:
          environment: {description: "the environment: environments/NAME.yaml", required: true, type: string}
          commit: {description: "the commit; default: the one of the run", required: false, type: string}
        outputs:
          result: {description: "released, rolled-back, unchanged, mixed, …", value: "${{ jobs.deploy.outputs.result }}"}
          release: {description: "the number of the release", value: "${{ jobs.deploy.outputs.release }}"}
          url: {description: "the address of what goes live last", value: "${{ jobs.deploy.outputs.url }}"}

    permissions: {}

    jobs:
      # Waits for reviewers where the environment has them. Outside of the concurrency group: a deploy that nobody has
      # approved yet must not hold up the others.
      approve:
        name: Approve
        runs-on: ubuntu-latest
        timeout-minutes: 5
        environment:
          name: ${{ inputs.environment }}-approval
          # shipit tells GitHub about the deployment itself; a job's own would be a second row.
          deployment: false
        steps:
          - name: Approved
            run: 'true'

      deploy:
        name: Deploy
        needs: approve
        runs-on: ubuntu-latest
        # Above protect.deadline of the environment with the rollback that may follow.
        timeout-minutes: 90
        permissions:
          contents: write # the git ledger: refs/shipit/*
          deployments: write # deployments and their states
        concurrency:
          group: shipit-${{ inputs.environment }}
          cancel-in-progress: false
          queue: max
        environment:
          name: ${{ inputs.environment }}
          deployment: false
        outputs:
          result: ${{ steps.deploy.outputs.result }}
          release: ${{ steps.deploy.outputs.release }}
          url: ${{ steps.deploy.outputs.url }}
        env:
          RAILWAY_API_TOKEN: ${{ secrets.RAILWAY_API_TOKEN }}
          VERCEL_TOKEN: ${{ secrets.VERCEL_TOKEN }}
          ENCORE_CLIENT_ID: ${{ secrets.ENCORE_CLIENT_ID }}
          ENCORE_CLIENT_SECRET: ${{ secrets.ENCORE_CLIENT_SECRET }}
        steps:
          - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
            with:
              # Whether a commit is older than what is live can only be told with the whole history.
              fetch-depth: 0
              # The git ledger pushes with these.
              persist-credentials: true
          # Exit 9: protect.approval waits. The page shows the plan and the command for `shipit approve`; once that is done,
          # re-run the failed job.
          - id: deploy
            name: Deploy
            uses: $/.github/actions/shipit
            with:
              command: deploy
              environment: ${{ inputs.environment }}
              commit: ${{ inputs.commit || github.sha }}
              arguments: --yes
          # After a cancel or a lost runner: finds out what is in flight, and says what is true.
          - name: Finish
            if: ${{ always() }}
            uses: $/.github/actions/shipit
            with:
              command: finish
              environment: ${{ inputs.environment }}
              # Of the five minutes that GitHub leaves to a job that was cancelled.
              arguments: --within=4m
    """#
}
