"""What the service does, as plain functions and classes that know neither GraphQL nor HTTP."""
