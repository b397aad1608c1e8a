"""The service: GraphQL over HTTP, the command line, and the pipeline that runs the other rooms in order."""
