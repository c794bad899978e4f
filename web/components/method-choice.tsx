import { useId } from "react";
import { compared, methodText } from "../text/methods.ts";

/** Which method answers: the four that are compared at a glance, all others in a list. */
export function MethodChoice({
  methods,
  value,
  onChange,
}: {
  methods: readonly string[];
  value: string;
  onChange: (method: string) => void;
}) {
  const isCompared = (method: string) => compared.some((one) => one === method);
  const others = methods.filter((method) => !isCompared(method));
  return (
    <>
      <Segments
        legend="Method"
        value={value}
        onChange={onChange}
        options={compared
          .filter((method) => methods.includes(method))
          .map((method) => ({
            value: method,
            label: methodText(method).short,
            title: methodText(method).explanation,
          }))}
      />
      {others.length > 0 && (
        <select
          aria-label="Other methods"
          value={isCompared(value) ? "" : value}
          onChange={(event) => event.target.value && onChange(event.target.value)}
        >
          <option value="">Others</option>
          {others.map((method) => (
            <option key={method} value={method}>
              {methodText(method).short}
            </option>
          ))}
        </select>
      )}
    </>
  );
}

/** One of several, as radio buttons that look like one control: arrow keys move within it. */
function Segments({
  legend,
  options,
  value,
  onChange,
}: {
  legend: string;
  options: readonly { value: string; label: string; title?: string }[];
  value: string;
  onChange: (value: string) => void;
}) {
  const name = useId();
  return (
    <fieldset className="segments">
      <legend className="visually-hidden">{legend}</legend>
      {options.map((option) => (
        <label key={option.value} title={option.title}>
          <input
            type="radio"
            className="visually-hidden"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </fieldset>
  );
}
