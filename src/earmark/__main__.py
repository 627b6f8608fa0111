from earmark.cli.app import main

main()
