import type { ButtonHTMLAttributes } from "react";
import { Icon, type IconName } from "./icon.tsx";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "primary" | "plain" | "quiet" | "danger";
  icon?: IconName;
}

/** A button; with an icon alone it needs an `aria-label`. */
export function Button({ kind = "plain", icon, children, className = "", ...rest }: ButtonProps) {
  const isIconOnly = children === undefined;
  return (
    <button
      type="button"
      className={`button ${className}`}
      data-kind={kind}
      data-icon-only={isIconOnly || undefined}
      title={isIconOnly ? rest["aria-label"] : undefined}
      {...rest}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}
