"""The GraphQL interface: types, resolvers, and the execution of queries over HTTP.

Resolvers are thin: they turn arguments into what the services take, and results into types.
"""
