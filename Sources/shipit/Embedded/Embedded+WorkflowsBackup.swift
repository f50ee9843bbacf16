// Written by scripts/embed from workflows/backup.yml: change that file, then `make docs`.

extension Embedded {
  static let workflowsBackup = #"""
    # Copies the databases whose `backup.schedule` says that a copy is due, and proves each copy.
    #
    # What is due, and by whose clock, stands in the environment file; this looks each hour. Before the first run:
    #   - take the `#` from the lines of `schedule:` below: until then it runs by hand alone;
    #   - .github/actions/shipit/action.yml: set repository, version and sha256 of the release of shipit to run;
    #   - `backup.to` names a bucket (s3://…), for a runner keeps nothing, and `state` is git or postgres;
    #   - secrets: one line below for each name that `shipit doctor ENV` asks for, stored in GitHub's environment ENV-backup,
    #     which has no reviewers, for nobody approves at night.
    # GitHub starts schedules late or, on a busy hour, not at all: the next look makes what was left out.
    name: Backup
    run-name: Back up ${{ inputs.environment || 'prod' }}

    on:
      # schedule:
      #   - cron: '17 * * * *'
      workflow_dispatch:
        inputs:
          environment: {description: "the environment: environments/NAME.yaml", required: true, type: string, default: prod}

    permissions: {}

    jobs:
      backup:
        name: Backup
        runs-on: ubuntu-latest
        timeout-minutes: 120
        permissions:
          contents: write # the git ledger: refs/shipit/*
          id-token: write # `role=` in `backup.to`
        concurrency:
          group: shipit-${{ inputs.environment || 'prod' }}
          cancel-in-progress: false
          queue: max
        environment:
          name: ${{ inputs.environment || 'prod' }}-backup
          deployment: false
        env:
          DATABASE_URL: ${{ secrets.DATABASE_URL }}
          BACKUP_KEY_ID: ${{ secrets.BACKUP_KEY_ID }}
          BACKUP_KEY: ${{ secrets.BACKUP_KEY }}
        steps:
          - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
            with:
              # The git ledger pushes with these.
              persist-credentials: true
          # `encrypt:` wants age. The runner has PostgreSQL's client; another server's version is one more package here.
          - name: Tools
            run: sudo apt-get update -qq && sudo apt-get install -y -qq age
          - name: Backup
            uses: $/.github/actions/shipit
            with:
              command: backup
              environment: ${{ inputs.environment || 'prod' }}
              arguments: --due
    """#
}
