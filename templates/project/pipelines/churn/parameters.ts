/** What `perdura run churn` takes; anything else is refused. */
export const parameters = { data: "'newest' (the default), or the key of an arrived file" };
